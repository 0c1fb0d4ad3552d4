-- SPDX-License-Identifier: BSD-2-Clause
-- What is known of each registered code apart from any language. A word here is a key in catalog/<language>_words.lua.
--
--   sender   who writes it
--   retry    whether the request can be sent again
--   dialog   what it does to a dialog when it answers a request inside it (RFC 3261 section 12.2.1.2, RFC 5057, and for
--            subscriptions RFC 6665), or to the one being made
--   search   what a forking proxy does with it (RFC 3261 section 16.7, RFC 5626 section 7)
--   headers  header fields that belong to it; Retry-After among them: retry_after (RFC 3261 section 20.33)
--   methods  those it answers; none named: any
local function code(senders, retry, dialog, search, headers, methods)
    local after = false
    for _, name in ipairs(headers or {}) do after = after or name == "Retry-After" end
    return {
        sender = senders, retry = retry, dialog = dialog, search = search,
        headers = headers or {}, methods = methods or {}, retry_after = after,
    }
end

return {
    [100] = code({ "proxy", "uas" }, "wait", "no_trace", "hop"),
    [180] = code({ "uas", "gateway" }, "wait", "early", "progress", { "Alert-Info", "RSeq" }, { "INVITE" }),
    [181] = code({ "proxy", "uas" }, "wait", "early", "progress", { "History-Info" }, { "INVITE" }),
    [182] = code({ "uas", "proxy" }, "wait", "early", "progress", {}, { "INVITE" }),
    [183] = code({ "uas", "gateway" }, "wait", "early", "progress", { "Content-Type", "RSeq", "P-Early-Media" },
        { "INVITE" }),
    [199] = code({ "proxy", "uas" }, "wait", "ends_early", "progress", { "Reason" }, { "INVITE" }),

    [200] = code({ "uas", "registrar", "notifier", "compositor" }, "done", "confirms", "wins", { "Contact" }),
    [202] = code({ "notifier", "uas" }, "done", "confirms", "first", { "Expires" },
        { "SUBSCRIBE", "REFER", "MESSAGE" }),
    [204] = code({ "notifier" }, "done", "keeps", "solo", { "Expires" }, { "SUBSCRIBE" }),

    [300] = code({ "redirect", "uas" }, "follow", "undefined", "recurse", { "Contact" }),
    [301] = code({ "redirect", "uas" }, "follow", "undefined", "recurse", { "Contact" }),
    [302] = code({ "redirect", "uas" }, "follow", "undefined", "recurse", { "Contact", "Expires" }),
    [305] = code({ "uas" }, "through", "undefined", "recurse", { "Contact" }),
    [380] = code({ "uas", "proxy" }, "alternative", "undefined", "recurse", { "Content-Type" }),

    [400] = code({ "uas", "proxy", "registrar" }, "changed", "transaction", "held"),
    [401] = code({ "uas", "registrar" }, "changed", "transaction", "preferred", { "WWW-Authenticate" }),
    [402] = code({ "proxy", "uas" }, "never", "transaction", "held"),
    [403] = code({ "proxy", "uas", "registrar" }, "never", "transaction", "held"),
    [404] = code({ "proxy", "registrar", "uas", "gateway" }, "never", "dialog", "held", { "Retry-After" }),
    [405] = code({ "uas" }, "changed", "method", "held", { "Allow" }),
    [406] = code({ "uas", "notifier" }, "changed", "transaction", "held"),
    [407] = code({ "proxy" }, "changed", "transaction", "preferred", { "Proxy-Authenticate" }),
    [408] = code({ "proxy", "uas", "gateway" }, "later", "call", "silent"),
    [410] = code({ "proxy", "uas" }, "never", "dialog", "held"),
    [412] = code({ "compositor" }, "anew", "transaction", "held", {}, { "PUBLISH" }),
    [413] = code({ "uas", "proxy" }, "changed", "transaction", "held", { "Retry-After" }),
    [414] = code({ "proxy", "uas" }, "changed", "transaction", "held"),
    [415] = code({ "uas" }, "changed", "transaction", "preferred", { "Accept", "Accept-Encoding", "Accept-Language" }),
    [416] = code({ "proxy", "uas" }, "changed", "dialog", "held"),
    [417] = code({ "proxy", "uas" }, "changed", "transaction", "held", { "Accept-Resource-Priority" }),
    [420] = code({ "uas", "proxy", "registrar" }, "changed", "transaction", "preferred", { "Unsupported" }),
    [421] = code({ "uas", "registrar", "proxy" }, "changed", "transaction", "held", { "Require" }),
    [422] = code({ "proxy", "uas" }, "changed", "transaction", "held", { "Min-SE" }, { "INVITE", "UPDATE" }),
    [423] = code({ "registrar", "notifier", "compositor" }, "changed", "transaction", "held", { "Min-Expires" },
        { "REGISTER", "SUBSCRIBE", "PUBLISH" }),
    [424] = code({ "uas", "proxy" }, "changed", "transaction", "held", { "Geolocation-Error" }),
    [425] = code({ "psap", "proxy" }, "changed", "transaction", "held", { "AlertMsg-Error" }),
    [428] = code({ "verifier" }, "changed", "transaction", "held"),
    [429] = code({ "uas" }, "changed", "transaction", "held", {}, { "REFER", "INVITE" }),
    [430] = code({ "edge" }, "flow", "transaction", "flow"),
    [433] = code({ "uas", "proxy" }, "changed", "transaction", "held"),
    [436] = code({ "verifier" }, "changed", "transaction", "held"),
    [437] = code({ "verifier" }, "changed", "transaction", "held"),
    [438] = code({ "verifier" }, "changed", "transaction", "held"),
    [439] = code({ "registrar" }, "changed", "outside", "solo", {}, { "REGISTER" }),
    [440] = code({ "proxy" }, "changed", "transaction", "held"),
    [469] = code({ "uas" }, "changed", "transaction", "solo", { "Recv-Info" }, { "INFO" }),
    [470] = code({ "relay" }, "changed", "transaction", "held", { "Permission-Missing" }),
    [480] = code({ "uas", "proxy", "gateway" }, "later", "usage", "held", { "Retry-After" }),
    [481] = code({ "uas" }, "anew", "usage", "held"),
    [482] = code({ "proxy", "uas" }, "mended", "dialog", "held"),
    [483] = code({ "proxy" }, "mended", "dialog", "held"),
    [484] = code({ "proxy", "gateway" }, "changed", "dialog", "preferred"),
    [485] = code({ "proxy", "uas" }, "changed", "dialog", "held", { "Contact" }),
    [486] = code({ "uas", "gateway" }, "later", "transaction", "held", { "Retry-After" }, { "INVITE" }),
    [487] = code({ "uas" }, "ended", "transaction", "held", {}, { "INVITE" }),
    [488] = code({ "uas", "gateway", "proxy" }, "changed", "transaction", "held", { "Warning", "Content-Type" },
        { "INVITE", "UPDATE" }),
    [489] = code({ "notifier", "uas" }, "never", "subscription", "held", { "Allow-Events" },
        { "SUBSCRIBE", "NOTIFY", "PUBLISH" }),
    [491] = code({ "uas" }, "later", "transaction", "solo", {}, { "INVITE", "UPDATE" }),
    [493] = code({ "uas" }, "changed", "transaction", "held", { "Content-Type" }),
    [494] = code({ "proxy", "registrar" }, "changed", "transaction", "held", { "Security-Server", "Require" }),

    [500] = code({ "uas", "proxy", "gateway", "registrar" }, "later", "transaction", "held", { "Retry-After" }),
    [501] = code({ "uas" }, "never", "method", "held"),
    [502] = code({ "gateway", "proxy" }, "later", "call", "held"),
    [503] = code({ "proxy", "gateway", "uas", "registrar" }, "elsewhere", "transaction", "as_500", { "Retry-After" }),
    [504] = code({ "proxy", "gateway" }, "later", "transaction", "held"),
    [505] = code({ "uas", "proxy" }, "never", "transaction", "held"),
    [513] = code({ "uas", "proxy" }, "changed", "transaction", "held"),
    [555] = code({ "proxy" }, "changed", "outside", "solo", {}, { "REGISTER" }),
    [580] = code({ "uas" }, "changed", "transaction", "held", { "Content-Type" }, { "INVITE", "UPDATE" }),

    [600] = code({ "uas" }, "told", "transaction", "ends", { "Retry-After" }, { "INVITE" }),
    [603] = code({ "uas", "blocker" }, "told", "transaction", "ends", { "Retry-After" }),
    [604] = code({ "proxy" }, "never", "dialog", "ends"),
    [606] = code({ "uas" }, "changed", "transaction", "ends", { "Warning", "Content-Type" }, { "INVITE" }),
    [607] = code({ "uas" }, "never", "transaction", "ends"),
    [608] = code({ "blocker" }, "never", "transaction", "ends", { "Call-Info" }),
}
