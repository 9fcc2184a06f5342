// Sends a file from where it lies, without holding any of it.
#pragma once

#include "deadline.hpp"
#include "jobcast/base/asio.hpp"
#include "jobcast/http/open_file.hpp"
#include "jobcast/net/client_socket.hpp"

namespace jobcast::http {

/// All of it, for as long as the client takes some of it within `patience`. False if it was not sent whole: what the
/// client has of it is then to end with the connection. So it does when the file changes.
task<bool> send_file(net::client_socket& to, const open_file& file, timing_wheel& wheel, deadline& end,
                     std::chrono::milliseconds patience);

} // namespace jobcast::http
