-- SPDX-License-Identifier: BSD-2-Clause
-- expect: load
-- A script that takes all memory while it loads.
local t = {}
for i = 1, 1e9 do t[i] = {} end
