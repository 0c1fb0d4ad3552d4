-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A function that ends by calling itself.
sip_on_response(486, function(reply, call, decision)
    local function again()
        return again()
    end
    return again()
end)
