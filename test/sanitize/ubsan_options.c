/* Linked into the library that runs under UndefinedBehaviorSanitizer in a server: what UBSAN_OPTIONS says elsewhere. The runtime
   reads its options when it first has something to report, and the environment from where the kernel keeps it: the server has
   by then written the titles of its processes over that. */
#include <stdio.h>
#include <stdlib.h>

const char *__ubsan_default_options(void) {
    static char options[4200];
    snprintf(options, sizeof(options), "log_path=%s/ubsan:print_stacktrace=1:halt_on_error=1:abort_on_error=1", getenv("RCQ_SANITIZER_REPORTS"));
    return options;
}
