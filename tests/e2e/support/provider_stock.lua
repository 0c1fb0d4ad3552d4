-- SPDX-License-Identifier: BSD-2-Clause
-- examples/kamailio/provider.cfg with Kamailio's own functions in place of the module's: what an operator has who does
-- not use the module. Made from the file by replacing lines, each as often as is noted here.
local provider_stock = {}

local replacements = {
    { 1, "loadmodule REFLOW\n", 'loadmodule "registrar.so"\n' },
    { 1, 'modparam("reflow", "peer", PEER)\n', "" },
    { 1, 'modparam("reflow", "route_keys", ROUTE_KEYS)\n', "" },
    { 1, 'modparam("reflow", "flow_timer", 120)\n', "" },
    { 1, 'modparam("reflow", "contact_names", 0)\n', 'modparam("registrar", "max_expires", 7200)\n'
        .. 'modparam("nathelper|registrar", "received_avp", "$avp(RECEIVED)")\n' },
    { 1, "            setbflag(FLB_NAT);\n", "            fix_nated_register();\n%0" },
    { 1, 'sip_save("location");', 'save("location");' },
    { 2, '!sip_route_flows("location")', '!lookup("location")' },
    { 2, '    t_on_branch_failure("flows");\n', "" },
    { 1, "event_route[tm:branch-failure:flows] {\n    sip_on_flow_failed();\n}\n", "" },
    { 2, "    sip_on_failure();\n", "" },
    { 3, "sip_record_route();", "record_route();" },
    { 1, "sip_loose_route()", "loose_route()" },
    { 4, 'sip_add_alias("location");', "add_contact_alias();" },
    { 1, 'sip_handle_alias("location");', "handle_ruri_alias();" },
    { 1, "    sip_authenticated();\n", "" },
    { 1, "$reflow(shm_free) < 25", "$Ts < 0" },
}

local function replace(text, count, from, to)
    local out, found = text:gsub(from:gsub("%p", "%%%0"), to)
    assert(found == count, ("provider.cfg has %d of: %s"):format(found, from))
    return out
end

function provider_stock.text(path)
    local file <close> = assert(io.open(path, "rb"))
    local text = file:read "a"
    for _, each in ipairs(replacements) do
        text = replace(text, table.unpack(each))
    end
    -- What is left is in comments, and where there is a second node.
    local active = text:gsub("#!ifdef DMQ_PEER.-#!endif\n", ""):gsub("\n%s*#[^\n]*", "")
    assert(not active:find "sip_%a+_?%a*%(" and not active:find "%$reflow", "a function of the module is left")
    return text
end

return provider_stock
