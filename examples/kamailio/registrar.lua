-- SPDX-License-Identifier: BSD-2-Clause
-- A registrar and authoritative proxy for phones with outbound (RFC 5626), as a KEMI script of Kamailio: registrar.cfg
-- in Lua. Loaded by registrar-kemi.cfg.

-- Where it cannot be sent at all, tm answers.
local function relay()
  KSR.tm.t_relay()
  KSR.x.exit()
end

local function answer(code, phrase)
  KSR.sl.sl_send_reply(code, phrase)
  KSR.x.exit()
end

-- Sources that no limit applies to. Add the edges and trunks that you trust.
local trusted = { ["127.0.0.1"] = true, ["::1"] = true }
-- Requests of one source in a second.
local requests_most = 500
-- The same while less than a quarter of the shared memory is free.
local requests_scarce = 5

-- Over UDP anybody can send in another's name: the excess alone is dropped, and nobody is banned, or a stranger could
-- ban a trunk. Over the other transports who sends too much is banned for a minute. Emergency calls are never limited.
local function flood()
  local source = KSR.pv.gete("$si")
  local emergency = KSR.pv.gete("$ru"):lower():find "^urn:service:sos" and KSR.siputils.has_totag() < 0
  if trusted[source] or emergency then
    return
  end
  local this_second = source .. ":" .. KSR.pv.get "$Ts"
  if KSR.is_UDP() then
    if KSR.htable.sht_inc("rate", this_second) > requests_most then
      KSR.x.exit()
    end
  elseif (KSR.pv.get("$sht(banned=>" .. source .. ")") or 0) > 0 then
    KSR.x.exit()
  elseif KSR.pike.pike_check_req() < 0 then
    KSR.htable.sht_seti("banned", source, 1)
    KSR.warn("banned source=" .. source .. " transport=" .. KSR.pv.gete("$proto") .. " reason=requests\n")
    KSR.x.exit()
  end
  -- A request that is relayed keeps its memory for wt_timer, or as long as it rings. The last quarter of the shared
  -- memory must suffice for everybody, so no source may fill it.
  if KSR.pv.get "$reflow(shm_free)" < 25 and KSR.htable.sht_inc("scarce", this_second) > requests_scarce then
    answer(503, "Service Unavailable")
  end
end

local function check()
  if KSR.maxfwd.process_maxfwd(70) < 0 then
    answer(483, "Too Many Hops")
  end
  -- Kamailio reads no URIs of further schemes, and would call them malformed.
  local scheme = KSR.pv.gete("$mb"):lower():match "^%S+ (%a[%w+.-]*):"
  if scheme and scheme ~= "sip" and scheme ~= "sips" and scheme ~= "tel" and scheme ~= "urn" then
    answer(416, "Unsupported URI Scheme")
  end
  -- What routing needs: 256 (Expires), the URIs of From and To, and Via are left out. 128 refuses a datagram that ends
  -- before its body does; what is behind the body has been cut off. Proxy-Require (512) is among the checks.
  if KSR.sanity.sanity_check(1767, 1) < 0 then
    KSR.x.exit()
  end
end

local function cancelled()
  if KSR.tm.t_check_trans() < 0 then
    answer(481, "Call/Transaction Does Not Exist")
  end
  relay()
end

-- Requests of a dialog that are recorded; those, and their 2xx, that say where the phone is.
local recorded = { INVITE = true, SUBSCRIBE = true, NOTIFY = true, REFER = true }
local has_contact = { INVITE = true, UPDATE = true, SUBSCRIBE = true, NOTIFY = true, REFER = true }

local function within_dialog(method)
  -- Elsewhere along a Record-Route of ours alone, in the call that it was made for: anybody can write a To tag, and a
  -- Route that names us.
  if KSR.reflow.loose_route() > 0 then
    if recorded[method] then
      KSR.reflow.record_route()
    end
    -- Hold and session refresh say anew where the phone is.
    if has_contact[method] and KSR.pv.gete("$sel(via[2])") == "" then
      KSR.reflow.add_alias("location")
    end
    KSR.tm.t_on_failure("dialog_failed")
    -- No Route is left: over the flow of the other side. If that connection is gone, the phone may have registered
    -- again, and a trunk is called by its Contact.
    if not KSR.isdsturiset() then
      if KSR.reflow.handle_alias("location") == 0 then
        KSR.x.exit() -- it has been answered
      end
      KSR.tm.t_on_reply("from_phone")
    end
    -- Whoever takes part in a call may name any host, and looking it up holds up a worker.
    if KSR.ipops.is_ip(KSR.pv.gete "$nh(d)") < 0 then
      if method == "ACK" then
        KSR.x.exit()
      end
      answer(480, "Temporarily Unavailable")
    end
    -- tm would answer 477 where it cannot be sent.
    KSR.tm.t_set_disable_internal_reply(1)
    if KSR.tm.t_relay() < 0 and method ~= "ACK" then
      KSR.tm.t_reply(480, "Temporarily Unavailable")
    end
    KSR.x.exit()
  end
  if method == "ACK" then
    -- That of a failure ends at its transaction.
    KSR.tm.t_check_trans()
    KSR.x.exit()
  end
  if not KSR.is_myself_ruri() then
    answer(403, "Relaying Denied")
  end
  if method == "INVITE" or method == "BYE" or method == "UPDATE" or method == "INFO" or method == "PRACK" then
    answer(481, "Call/Transaction Does Not Exist")
  end
  -- Anything else begins here, as without a To tag.
end

local function is_sip_uri(uri)
  return uri:lower():find "^sips?:" ~= nil
end

-- Does the request lead back to the user that it comes from?
local function is_own_user()
  return KSR.pv.gete("$fU") == KSR.pv.gete("$rU") and KSR.pv.gete("$fd"):lower() == KSR.pv.gete("$rd"):lower()
end

local function starts_something(method)
  -- tel: and urn: name no server: they are for the policy.
  local is_sip = is_sip_uri(KSR.pv.gete("$ru"))
  if not KSR.is_myself_ruri() and (is_sip or method == "REGISTER") then
    answer(403, "Relaying Denied")
  end
  -- What begins here goes where its user has registered; Routes that a phone was given to reach us end here.
  KSR.hdr.remove("Route")
  if method == "REGISTER" then
    KSR.reflow.save("location")
    return
  end
  if method == "OPTIONS" and KSR.pv.is_null("$rU") then
    answer(200, "OK")
  end
  -- Events of one's own user, such as message-summary, are a server's to notify of, and none is here. Phones repeat the
  -- request after 480, 489 and 501, but not after 404.
  if (method == "SUBSCRIBE" or method == "PUBLISH") and is_own_user() then
    answer(404, "Not Found")
  end
  if method == "INVITE" or method == "SUBSCRIBE" or method == "REFER" then
    KSR.reflow.record_route()
    if KSR.pv.gete("$sel(via[2])") == "" then
      KSR.reflow.add_alias("location")
    end
  end
  local routed = KSR.reflow.route_flows("location")
  if routed == -4 then -- nobody but the phone that has sent it
    answer(404, "Not Found")
  elseif routed < 0 and not is_sip then
    answer(416, "Unsupported URI Scheme")
  elseif routed < 0 then
    answer(480, "Temporarily Unavailable")
  elseif routed == 0 then -- a policy has answered
    KSR.x.exit()
  end
  KSR.tm.t_on_branch_failure("flow_failed")
  KSR.tm.t_on_failure("call_failed")
  relay()
end

function ksr_request_route()
  flood()
  check()
  local method = KSR.pv.get("$rm")
  if method == "CANCEL" then
    cancelled()
  elseif KSR.siputils.has_totag() > 0 then
    within_dialog(method)
  end
  if KSR.tm.t_check_trans() ~= 0 then
    -- 0: a repeated request, its transaction has answered it.
    starts_something(method)
  end
end

-- Is the topmost Record-Route ours? Behind an edge, which has recorded itself, a Contact is the edge's to know.
local function is_recorded_by_us()
  local route = KSR.pv.gete("$(hdr(Record-Route)[0])"):match "<(.-)>"
  return route and KSR.is_myself(route)
end

-- The other half of hold and session refresh. Where we are recorded it has been marked already.
function from_phone()
  if has_contact[KSR.pv.get("$rm")] and not is_recorded_by_us() then
    KSR.reflow.add_alias("location")
  end
end

-- A flow has failed: over to the next one of the same phone.
function flow_failed()
  KSR.reflow.on_flow_failed()
end

-- All have answered, or none will: the best of the responses, or the next q class.
function call_failed()
  KSR.reflow.on_failure()
end

-- Within a dialog there is one way. A flow that is gone behind an edge is 480 (5626-11.5.a), and a 503 goes upstream as
-- 500 (3261-16.7.g).
function dialog_failed()
  if KSR.tm.t_check_status "430" > 0 then
    KSR.tm.t_reply(480, "Temporarily Unavailable")
  elseif KSR.tm.t_check_status "503" > 0 then
    KSR.tm.t_reply(500, "Server Internal Error")
  end
end

-- A response that belongs to no transaction is dropped (RFC 6026).
function ksr_reply_route()
  if KSR.tm.t_check_trans() < 0 then
    KSR.set_drop()
    return
  end
  -- What a phone gives as its Contact may lead nowhere, or nowhere any more after the phone has moved: here and in
  -- requests it is marked with the address that it came from, if that is another one, and with the phone that has
  -- registered there. Behind an edge, which has recorded itself, that is the edge's to know.
  if recorded[KSR.pv.get("$rm")] and is_recorded_by_us() then
    KSR.reflow.add_alias("location")
  end
end
