// Removes what was kept of ended runs (logs, outputs) when its time is over: once an hour, a slice at a time.
#pragma once
#include "executor/loop.hpp"

#include <dirent.h>
#include <memory>
#include <string>

namespace rcq::executor {

class Remover;

class KeptSweep {
public:
    // Of `directory` goes what was not changed for `age_s`.
    KeptSweep(uv_loop_t* loop, std::string directory, double age_s, Remover& remover);

    void start();

private:
    void slice();
    void look_at(const char* name);

    std::string directory_;
    double age_s_;
    Remover& remover_;
    std::unique_ptr<DIR, int (*)(DIR*)> open_{nullptr, closedir}; // during a sweep
    int expired_ = 0;
    Timer timer_;
};

} // namespace rcq::executor
