-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- All the hooks that there may be, at the highest priority, and each of them fails.
for i = 1, 990 do
    sip_on_response(i % 2 == 0 and 486 or "4xx", function() error "always" end, { priority = 2147483647 })
end
