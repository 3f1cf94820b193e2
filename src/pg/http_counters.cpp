#include "http_counters.hpp"

namespace rcq::pg {

void count_request(std::string_view, int) {}
void count_limit(HttpLimit) {}

} // namespace rcq::pg
