#include "check.hpp"
#include "crumple/drive.hpp"
#include "crumple/error.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

// Counts its steps, and can be saved and packed.
class Kept final : public Unit {
public:
    Kept() { ports_.outputs = {real("n")}; }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io& io) override { io.out[0] = n_ = 0.0; }
    void step(const Step&, const Io& io) override { io.out[0] = n_ += 1.0; }
    StatePointer save() override { return std::make_shared<Numbers>(std::vector{n_}); }
    void load(const State& state, const Io&) override { n_ = dynamic_cast<const Numbers&>(state).values[0]; }
    std::string pack(const State& state) override {
        return std::to_string(dynamic_cast<const Numbers&>(state).values[0]);
    }
    StatePointer unpack(const std::string& bytes) override {
        return std::make_shared<Numbers>(std::vector{std::stod(bytes)});
    }

private:
    double n_ = 0.0;
    Ports ports_;
};

// counter.n <relation> limit
StlTerm counted(Relation relation, double limit) {
    StlTerm term;
    term.value = Program({{"signal", 1.0, 0.0, "counter.n"}, {"number", limit, 0.0, ""}, {"-", 0.0, 0.0, ""}});
    term.relation = relation;
    return term;
}

StlTerm window(StlOp op, Tick from, Tick to) {
    StlTerm term;
    term.op = op;
    term.from = from;
    term.to = to;
    return term;
}

Program until(double limit) {
    return Program({{"signal", 1.0, 0.0, "counter.n"}, {"number", limit, 0.0, ""}, {">=", 0.0, 0.0, ""}});
}

std::unique_ptr<World> counting(std::vector<StlTerm> terms, bool stop = false) {
    auto world = std::make_unique<World>(Period(1, 100));
    world->add("counter", std::make_unique<Kept>());
    if (!terms.empty()) world->add_judge(std::make_unique<Judge>("low", std::move(terms), stop));
    return world;
}

}  // namespace

CASE(a_world_sees_to_its_requirements_from_tick_0) {
    const auto world = counting({counted(Relation::less, 4.0), window(StlOp::always, 0, 6)});
    world->reset();
    world->step(3);
    Finding found = world->finding("low", Closing::cut);
    CHECK_EQUAL(found.high, 1.0);
    CHECK(!found.holds && !found.broken);
    world->step(3);
    found = world->finding("low", Closing::cut);
    CHECK(found.broken);
    CHECK_EQUAL(found.high, -2.0);
    CHECK_EQUAL(found.decided, Tick{4});
    CHECK(!world->ended());
    world->reset();
    CHECK_EQUAL(world->finding("low", Closing::cut).high, 4.0);
    CHECK_THROWS(UsageError, world->finding("slow", Closing::cut), "Did you mean \"low\"?");
}

CASE(a_run_ends_at_the_first_tick_where_its_condition_is_true) {
    const auto world = counting({});
    world->end_when(until(5.0));
    world->reset();
    world->step(100);
    CHECK_EQUAL(world->tick(), Tick{5});
    CHECK(world->ended() && world->ended()->empty());
    world->step(10);
    CHECK_EQUAL(world->tick(), Tick{5});
    world->end();
    world->reset();
    CHECK(!world->ended());
    world->step(2);
    CHECK_EQUAL(world->tick(), Tick{2});
}

CASE(a_run_ends_where_a_requirement_that_stops_it_is_decided) {
    const auto broken = counting({counted(Relation::less, 4.0), window(StlOp::always, 0, 90)}, true);
    broken->reset();
    broken->step(100);
    CHECK_EQUAL(broken->tick(), Tick{4});
    CHECK_EQUAL(broken->ended().value_or("-"), std::string("low"));
    const auto held = counting({counted(Relation::greater, 6.0), window(StlOp::eventually, 0, 90)}, true);
    held->reset();
    held->step(100);
    CHECK_EQUAL(held->tick(), Tick{7});
}

CASE(the_drive_loop_ends_with_the_run) {
    const auto world = counting({});
    world->end_when(until(5.0));
    world->reset();
    CHECK(drive(*world, 100, nullptr, nullptr, *monotonic_clock(), {}) == Stopped::ended);
    CHECK_EQUAL(world->tick(), Tick{5});
    CHECK(drive(*world, 100, nullptr, nullptr, *monotonic_clock(), {}) == Stopped::ended);
}

CASE(a_snapshot_holds_what_is_known_of_the_requirements) {
    const auto make = [] {
        auto world =
            counting({counted(Relation::less, 7.0), window(StlOp::historically, 2, 4), window(StlOp::always, 0, 20)});
        world->end_when(until(9.0));
        return world;
    };
    const auto world = make();
    world->reset();
    world->step(4);
    const auto early = world->snapshot();
    const std::string packed = world->pack(*early);
    world->step(100);
    CHECK_EQUAL(world->tick(), Tick{9});
    const auto late = world->snapshot();
    const double low = world->finding("low", Closing::ended).low;
    world->restore(*early);
    CHECK(!world->ended());
    CHECK_EQUAL(world->finding("low", Closing::cut).high, 5.0);
    world->step(100);
    CHECK_EQUAL(world->finding("low", Closing::ended).low, low);
    world->restore(*late);
    CHECK(world->ended().has_value());
    const auto other = make();
    other->reset();
    other->restore(*other->unpack(packed));
    CHECK_EQUAL(other->tick(), Tick{4});
    other->step(100);
    CHECK_EQUAL(other->finding("low", Closing::ended).low, low);
    const auto plain = counting({});
    plain->reset();
    CHECK_THROWS(UsageError, plain->restore(*early), "other units");
}

CASE(a_requirement_on_what_is_no_signal_is_refused_when_the_world_is_built) {
    StlTerm term = counted(Relation::less, 1.0);
    term.value = Program({{"signal", 1.0, 0.0, "counter.m"}});
    const auto world = counting({term, window(StlOp::always, 0, 1)});
    CHECK_THROWS(BuildError, world->build(), "has no port \"m\"");
    const auto twice = counting({counted(Relation::less, 1.0)});
    CHECK_THROWS(BuildError,
                 twice->add_judge(std::make_unique<Judge>("low", std::vector{counted(Relation::less, 1.0)}, false)),
                 "two requirements 'low'");
}
