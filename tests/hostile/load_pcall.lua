-- SPDX-License-Identifier: BSD-2-Clause
-- expect: load
-- A script that catches its stop while it loads.
while true do
    pcall(function() while true do end end)
end
