-- SPDX-License-Identifier: BSD-2-Clause
std = "lua54"
max_line_length = 120
include_files = { "lua/**/*.lua", "examples/**/*.lua", "tests/**/*.lua", ".luacheckrc" }
exclude_files = { "build" }
codes = true
-- A check that a value is no NaN reads that way.
ignore = { "581" }

-- Hosts set the functions as globals before they run a script.
local globals = {}
for name in ([[
    is_success is_provisional is_redirect is_client_error is_server_error is_global_failure is_final
    is_flow_failed code decide on_success on_flow_failed on_response on_request on_register on_exhausted
    on_flow_up on_flow_down next_flow next_target fail retry_after rest accept explain compare recovery_delay
    keepalive_interval flow_token parse route relay reply drop log]]):gmatch "%S+" do
    globals[#globals + 1] = "sip_" .. name
end
-- An example shows what a hook gets, used or not.
files["examples"] = { read_globals = globals, ignore = { "212" } }
-- The language of specs for policies: lua/reflow/spec.lua.
files["examples/policies/spec"] = { read_globals = { "advance", "domain", "equal", "expect", "expect_log",
    "expect_no_log", "invite", "phone", "policy", "request", "server", "sip", "test" } }
files["tests/spec"] = { read_globals = globals }
files["lua/meta"] = { ignore = { "1", "2" } }
