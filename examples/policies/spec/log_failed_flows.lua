-- SPDX-License-Identifier: BSD-2-Clause
local bob = phone { aor = "sip:bob@example.com", flows = 2 }

test("a flow that fails is logged, and the call goes over the next one", function()
  bob:flow(1):answers(430)
  bob:flow(2):answers(180, { 200, after = 1 })
  local call = invite "sip:bob@example.com"
  expect_log "call call%-%d+ to sip:bob@example.com: flow .* %(reg%-id 1%) failed; next_flow, by rule 5626%-7.b"
  advance(1)
  expect(call):hears { 180, 200 }
  expect(call):tried { "bob/1", "bob/2" }
end)

test("a connection that closes is logged", function()
  bob:flow(2):dies()
  expect_log "sip:bob@example.com lost flow .* %(reg%-id 2%): closed"
  local call = invite "sip:bob@example.com"
  expect(call):hears(200):tried { "bob/1" }
end)

test("a flow that dies while it waits fails over at once", function()
  bob:flow(1):answers "is silent"
  local call = invite "sip:bob@example.com"
  bob:flow(1):dies()
  expect(call):hears(200):tried { "bob/1", "bob/2" }
  expect_log "lost flow"
end)
