// What a job asks for, from the columns that store it: the scheduler and the views must arrive at the same lane.
#pragma once
#include "../core/lanes.hpp"
#include "json.hpp"

namespace rcq::pg {

struct ShapeColumns {
    int32 cpu_cores = 0, memory_mib = 0, gpu_count = 0;
    int32 cpu_cores_min = 0; // 0 = NULL
    std::vector<std::string> features;
    std::string gpu_type, constraints; // empty = NULL
    core::Consumables consumables;
    bool exclusive = false;
};

// A stored constraint that does not parse (nothing writes one) accepts no executor that offers less than its text.
inline core::Shape make_shape(ShapeColumns&& columns) {
    core::Shape shape;
    shape.need = {columns.cpu_cores, columns.memory_mib, columns.gpu_count * 1000};
    shape.min_cores = columns.cpu_cores_min < columns.cpu_cores ? columns.cpu_cores_min : 0;
    shape.gpu_type = std::move(columns.gpu_type);
    if (!columns.features.empty()) shape.constraint = core::Constraint::all_of(columns.features);
    if (!columns.constraints.empty()) {
        auto parsed = core::Constraint::parse(columns.constraints);
        const auto* constraint = std::get_if<core::Constraint>(&parsed);
        shape.constraint = core::Constraint::both(
            shape.constraint, constraint ? *constraint : core::Constraint::all_of({columns.constraints}));
    }
    shape.consumables = std::move(columns.consumables);
    shape.exclusive = columns.exclusive;
    return shape;
}

} // namespace rcq::pg
