-- SPDX-License-Identifier: BSD-2-Clause
std = "lua54"
max_line_length = 120
include_files = { "lua/**/*.lua", "examples/**/*.lua", "tests/**/*.lua", "module/**/*.lua", ".luacheckrc" }
-- What is hostile breaks every rule there is.
exclude_files = { "build", "tests/hostile", "tests/data/attacks" }
codes = true
-- A check that a value is no NaN reads that way.
ignore = { "581" }

-- Hosts set the functions as globals before they run a script: lua/meta, made of module/script/engine/schema.def.
stds.reflow = dofile "lua/meta/luacheck_std.lua"
-- An example shows what a hook gets, used or not.
files["examples"] = { std = "lua54+reflow", ignore = { "212" } }
-- One file of many examples, each by itself.
files["module/script/engine/examples.lua"] = { std = "lua54+reflow", read_globals = { "sip" },
    ignore = { "211", "212", "411", "431" } }
-- Kamailio calls a KEMI script's functions by name, and lends it KSR.
files["examples/kamailio"] = { std = "lua54", read_globals = { "KSR" }, ignore = { "111", "131" } }
-- The language of specs for policies: lua/reflow/spec.lua.
local spec_language = { read_globals = { "advance", "domain", "edge", "equal", "expect", "expect_log", "expect_no_log",
    "invite", "phone", "policy", "request", "server", "sip", "test", "trunk", "user" } }
files["examples/policies/spec"] = spec_language
files["examples/tenants/spec"] = spec_language
files["tests/spec"] = { std = "lua54+reflow" }
files["lua/meta"] = { ignore = { "1", "2", "631" } }
