// For the audit log.
#include "guard.hpp"

RCQ_FUNCTION(rcq_is_inside_function) { PG_RETURN_BOOL(InLocalUserIdChange()); }
