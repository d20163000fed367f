#include "crumple/table.hpp"

#include <algorithm>
#include <cmath>

#include "crumple/error.hpp"

namespace crumple {

namespace {

struct TableState final : State {};  // a table has no state: its values depend on the time alone

class Table final : public Unit {
public:
    Table(std::vector<double> times, std::vector<TableColumn> columns)
        : times_(std::move(times)), columns_(std::move(columns)) {
        if (times_.empty()) throw BuildError("a table has at least one row");
        for (std::size_t i = 0; i < times_.size(); ++i) {
            if (!std::isfinite(times_[i])) throw BuildError("the time of row " + std::to_string(i) + " is not finite");
            if (i && times_[i] < times_[i - 1])
                throw BuildError("the times of a table do not go back; row " + std::to_string(i) + " does");
        }
        for (const TableColumn& column : columns_) {
            if (column.values.size() != times_.size())
                throw BuildError("column \"" + column.name + "\" has " + std::to_string(column.values.size()) +
                                 " values for " + std::to_string(times_.size()) + " times");
            Port port;
            port.name = column.name;
            port.kind = column.kind;
            ports_.outputs.push_back(std::move(port));
        }
        offsets_ = port_offsets(ports_.outputs).offset;
    }

    const Ports& ports() const override { return ports_; }
    void reset(const Start& start, const Io& io) override { show(start.t, io); }
    void step(const Step& now, const Io& io) override { show(now.t + now.dt, io); }
    StatePointer save() override { return std::make_shared<TableState>(); }
    std::string pack(const State&) override { return {}; }
    StatePointer unpack(const std::string&) override { return std::make_shared<TableState>(); }

private:
    void show(double t, const Io& io) const {
        // times computed as t + dt may lie a rounding before a row's time; that row is meant
        const double meant = t + 1e-12 * std::max(1.0, std::fabs(t));
        const auto after =
            static_cast<std::size_t>(std::upper_bound(times_.begin(), times_.end(), meant) - times_.begin());
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            const auto& v = columns_[c].values;
            double x = 0.0;
            if (after == 0) {
                x = v.front();
            } else if (after == times_.size() || columns_[c].kind != Kind::real) {
                x = v[after - 1];
            } else {
                const double span = times_[after] - times_[after - 1];
                const double part = std::clamp((t - times_[after - 1]) / span, 0.0, 1.0);
                x = v[after - 1] + part * (v[after] - v[after - 1]);
            }
            io.out[offsets_[c]] = x;
        }
    }

    std::vector<double> times_;
    std::vector<TableColumn> columns_;
    Ports ports_;
    std::vector<std::size_t> offsets_;
};

}  // namespace

std::unique_ptr<Unit> make_table(std::vector<double> times, std::vector<TableColumn> columns) {
    return std::make_unique<Table>(std::move(times), std::move(columns));
}

}  // namespace crumple
