// Bodies of `start` rows: whatever they are, SpecError or a specification that can be executed.
#include "executor/job_spec.hpp"
#include "fuzz.hpp"

using rcq::executor::JobSpec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const JobSpec spec = rcq::executor::decode_job_spec(rcq::fuzz::text(data, size));
        const auto no_zero = [](const std::string& value) { return value.find('\0') == std::string::npos; };
        rcq::fuzz::require(no_zero(spec.script) && no_zero(spec.user) && no_zero(spec.group) && no_zero(spec.name));
        rcq::fuzz::require(!spec.workdir || no_zero(*spec.workdir));
        for (const auto& [name, value] : spec.env) {
            rcq::fuzz::require(!name.empty() && no_zero(name) && name.find('=') == std::string::npos && no_zero(value));
        }
        rcq::fuzz::require(spec.attempt >= 0 && spec.cpu_cores >= 1 && spec.memory_mib >= 0 && spec.gpu_count >= 0);
        rcq::fuzz::require(!spec.time_limit_s || *spec.time_limit_s > 0);
    } catch (const rcq::executor::SpecError&) {
    }
    return 0;
}
