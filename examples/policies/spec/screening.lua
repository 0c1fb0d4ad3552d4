-- SPDX-License-Identifier: BSD-2-Clause
local bob = phone { aor = "sip:bob@example.com" }

local function permit(value)
  return invite("sip:bob@example.com", { headers = { ["X-Permit"] = value } })
end

test("a call without a mark goes through", function()
  expect(invite "sip:bob@example.com"):hears(200)
  expect(permit "yes"):hears(200)
  expect(permit "nobody has asked"):hears(200)
end)

test("a call that is marked gets 603 and reaches nobody", function()
  for _, value in ipairs { "no", "n", "No", "N; reason=asked" } do
    expect(permit(value)):hears(603):tried {}
  end
  expect(bob):registered()
end)
