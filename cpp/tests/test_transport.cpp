// Over real sockets, where there is a libzmq: named by CRUMPLE_LIBZMQ, or the system's.

#include "crumple/transport.hpp"

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include "check.hpp"
#include "crumple/error.hpp"

using namespace crumple;

namespace {

bool have_zmq() {
    if (zmq_loaded()) return true;
    const char* const named = std::getenv("CRUMPLE_LIBZMQ");
    try {
        load_zmq(named ? named : "libzmq.so.5");
        return true;
    } catch (const UsageError&) {
        std::cerr << "no libzmq here: set CRUMPLE_LIBZMQ to test over sockets\n";
        return false;
    }
}

std::vector<std::byte> bytes(const std::string& text) {
    const auto view = std::as_bytes(std::span(text));
    return {view.begin(), view.end()};
}

// Sends until something arrives: a subscriber that joins late has missed the first messages.
bool arrives(Transport& from, Transport& to, const std::string& text) {
    std::vector<std::byte> frame(256);
    for (int i = 0; i < 200; ++i) {
        from.send(bytes(text));
        const auto n = to.receive(frame, 10'000'000);
        if (n < 0) continue;
        return n == static_cast<std::ptrdiff_t>(text.size()) &&
               std::memcmp(frame.data(), text.data(), text.size()) == 0;
    }
    return false;
}

}  // namespace

CASE(frames_travel_from_publisher_to_subscriber) {
    if (!have_zmq()) return;
    const auto out = make_zmq_transport({"tcp://127.0.0.1:*", Pattern::publish, true, "", "", {}});
    out->open();
    CHECK(out->address().find('*') == std::string::npos);
    const auto in = make_zmq_transport({out->address(), Pattern::subscribe, false, "", "", {}});
    in->open();
    CHECK(arrives(*out, *in, "hello"));
    std::vector<std::byte> frame(4);
    while (in->receive(frame) >= 0) {
    }
    CHECK(arrives(*out, *in, "again"));
    in->close();
    out->close();
    CHECK_EQUAL(in->receive(frame), -1);
}

CASE(a_router_answers_who_asked) {
    if (!have_zmq()) return;
    const auto router = make_zmq_transport({"tcp://127.0.0.1:*", Pattern::route, true, "", "", {}});
    router->open();
    CHECK(!router->send(bytes("nobody asked")));
    std::vector<std::byte> frame(4);
    CHECK_EQUAL(router->receive(frame, 1'000'000), -1);
    router->close();
    router->open();
    CHECK_EQUAL(router->receive(frame, 1'000'000), -1);  // no longer than before
}

CASE(an_address_that_is_taken_is_an_error_that_says_so) {
    if (!have_zmq()) return;
    const auto one = make_zmq_transport({"tcp://127.0.0.1:*", Pattern::publish, true, "", "", {}});
    one->open();
    const auto two = make_zmq_transport({one->address(), Pattern::publish, true, "", "", {}});
    CHECK_THROWS(UsageError, two->open(), "cannot be bound");
    const auto odd = make_zmq_transport({"nonsense", Pattern::publish, true, "", "", {}});
    CHECK_THROWS(UsageError, odd->open(), "nonsense");
}

CASE(only_peers_whose_keys_are_known_are_let_in) {
    if (!have_zmq() || zmq_version().find("without") != std::string::npos) return;
    // pairs that were made for this test and are used nowhere else
    const std::string server_public = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    const std::string server_secret = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
    const std::string client_public = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const std::string client_secret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    const auto door = [&](std::vector<std::string> allowed) {
        auto made = make_zmq_transport(
            {"tcp://127.0.0.1:*", Pattern::publish, true, server_public, server_secret, std::move(allowed)});
        made->open();
        return made;
    };
    const auto client = [&](const std::string& address) {
        auto made =
            make_zmq_transport({address, Pattern::subscribe, false, client_public, client_secret, {server_public}});
        made->open();
        return made;
    };
    {
        const auto out = door({client_public});
        const auto in = client(out->address());
        CHECK(arrives(*out, *in, "secret"));
        CHECK(out->refusals().empty());
    }
    {
        const auto out = door({server_public});  // somebody else's
        const auto in = client(out->address());
        std::string refused;
        std::vector<std::byte> frame(256);
        for (int i = 0; i < 100 && refused.empty(); ++i) {
            out->send(bytes("secret"));
            CHECK_EQUAL(in->receive(frame, 10'000'000), -1);
            for (const auto& text : out->refusals()) refused = text;
        }
        CHECK(refused.find(client_public) != std::string::npos);
    }
    {
        const auto out = door({client_public});
        const auto in = make_zmq_transport({out->address(), Pattern::subscribe, false, "", "", {}});
        in->open();
        std::string refused;
        std::vector<std::byte> frame(256);
        for (int i = 0; i < 100 && refused.empty(); ++i) {
            out->send(bytes("secret"));
            CHECK_EQUAL(in->receive(frame, 10'000'000), -1);
            for (const auto& text : out->refusals()) refused = text;
        }
        CHECK(refused.find("without the right keys") != std::string::npos);
    }
}
