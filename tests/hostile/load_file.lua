-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Running a file.
sip_on_response(486, function(reply, call, decision)
    return dofile('/etc/passwd')
end)
