// What the cluster as it is registered, whatever runs on it now, could ever do for a shape.
#pragma once
#include "cluster.hpp"

namespace rcq::core {

struct Outlook {
    Reason reason = Reason::resources; // why_not(), with the consumables that the shape wants
    Shape shape;                       // of a moldable one, with the most cores up to those wanted that can be had
};

Outlook look_out(const Cluster& cluster, const Shape& wanted);

} // namespace rcq::core
