-- SPDX-License-Identifier: BSD-2-Clause
-- Calls to expensive numbers get 403. The list has each prefix in every form in which callers dial it; a longer prefix
-- after "allowed" makes an exception. Visual separators are removed first, so that "+1-900-555-0100" is found.
--
-- The options make the hook fail closed: it is asked first, and if it fails, the call gets 403 too.

local blocked = { "+1900", "001900", "+882", "00882" }
local allowed = { "+88216" }

local function has_prefix(number, prefixes)
  for _, prefix in ipairs(prefixes) do
    if number:sub(1, #prefix) == prefix then
      return true
    end
  end
end

sip_on_request("INVITE", function(request, call)
  local user = call.aor:match("^%a+:([^@;]+)")
  local number = user:gsub("[-.()]", "")
  if has_prefix(number, blocked) and not has_prefix(number, allowed) then
    return sip_reply(403, "Number Blocked")
  end
end, { priority = 900, on_error = 403 })
