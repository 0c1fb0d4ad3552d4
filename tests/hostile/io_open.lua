-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Opening a file.
sip_on_response(486, function(reply, call, decision)
    return io.open('/etc/passwd')
end)
