// Values given over time, as a unit: the rows of a file that feed an FMU's inputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crumple/unit.hpp"

namespace crumple {

struct TableColumn {
    std::string name;
    Kind kind = Kind::real;
    std::vector<double> values;  // one for each time
};

// Real columns are interpolated linearly, others hold their last value; before the first row and after the last the
// nearest row holds. Of rows with the same time the last counts from that time on. Outputs at tick 0 are those at the
// start time, and a step's outputs those at its end, so that a consumer sees at t what the table says for t.
std::unique_ptr<Unit> make_table(std::vector<double> times, std::vector<TableColumn> columns);

}  // namespace crumple
