-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- The packages that the interpreter has.
sip_on_response(486, function(reply, call, decision)
    package.loaded.os.exit(1)
end)
