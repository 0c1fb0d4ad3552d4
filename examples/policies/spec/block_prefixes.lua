-- SPDX-License-Identifier: BSD-2-Clause
local function calls(number)
  local phone = phone { aor = "sip:" .. number .. "@example.com", name = "phone" }
  return invite("sip:" .. number .. "@example.com"), phone
end

test("a number with a blocked prefix gets 403 and is not called", function()
  for _, number in ipairs { "+19005550100", "0019005550100", "+8823900" } do
    local call = calls(number)
    expect(call):hears(403):tried {}
    equal(call.final.phrase, "Number Blocked")
  end
end)

test("separators, escapes, parameters and tel: do not lead past it", function()
  for _, uri in ipairs { "sip:+1-900-555-0100@example.com;user=phone", "sip:+1(900)555.0100@example.com",
      "sip:%2B19005550100@example.com", "sip:%2b1%2d900@example.com", "sip:+1900;x=y@example.com",
      "tel:+1-900-5550100" } do
    expect(invite(uri)):hears(403):tried {}
  end
end)

test("other numbers go through, and so does the exception", function()
  for _, number in ipairs { "+15550100", "+8821655", "1900" } do
    expect(calls(number)):hears(200):tried { "phone/1" }
  end
end)
