-- SPDX-License-Identifier: BSD-2-Clause
-- Two Kamailio nodes that share their bindings by DMQ.
local ua = require "ua"

local nodes = {}

nodes.requests = [[
route[BEFORE] {
    if (is_method("KDMQ")) { dmq_handle_message(); exit; }
}
]]

-- A line in the log when its peer has stored the bindings of a message, or has sent those that it was asked for: a node
-- answers a message after that.
nodes.replies = [[
reply_route {
    if (is_method("KDMQ") && $tu =~ "^sip:usrloc@") xlog("L_NOTICE", "SHARED $rs\n");
}
]]

function nodes.count_shared(node)
    return #node:log_lines "SHARED 200"
end

-- Waits until the peer of this node has done what so many messages asked for.
function nodes.expect_shared(node, count)
    assert(ua.wait.until_true(ua.patience, function()
        return nodes.count_shared(node) >= count
    end), "a node does not do what its peer asks for")
end

-- Waits until they know each other, because what a node tells before that is lost.
function nodes.know_each_other(a, b)
    assert(ua.wait.until_true(ua.patience, function()
        return a:active_nodes() == 2 and b:active_nodes() == 2
    end), "the nodes do not find each other")
end

-- The same, and until each has the bindings that it asks for when it meets the other. They are those of the moment in
-- which they are sent, and would undo what has changed meanwhile.
function nodes.meet(a, b)
    nodes.know_each_other(a, b)
    nodes.expect_shared(a, 1)
    nodes.expect_shared(b, 1)
end

return nodes
