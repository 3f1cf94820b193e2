#include "supervisor/hook_environment.hpp"

#include <string_view>

namespace rcq::supervisor {

std::vector<std::string> hook_environment(const std::vector<std::string>& job) {
    std::vector<std::string> kept{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    for (const std::string& variable : job) {
        for (std::string_view name : {"RCQ_", "CUDA_VISIBLE_DEVICES=", "ROCR_VISIBLE_DEVICES="}) {
            if (variable.starts_with(name)) kept.push_back(variable);
        }
    }
    return kept;
}

} // namespace rcq::supervisor
