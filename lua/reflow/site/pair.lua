-- SPDX-License-Identifier: BSD-2-Clause
-- The page of two codes, the lower one first: what sets them apart, and then what each of them is, side by side.
local _, html, tools = ...

local format, ipairs = string.format, ipairs
local pair_page = {}

local body = html.template [[
<h1><span class="k{class_a}"><span class="n">{a}</span> {phrase_a}</span> <small>{versus}</small>
<span class="k{class_b}"><span class="n">{b}</span> {phrase_b}</span></h1>
<p class="meta">{meta}</p>
<div class="lead k{class_a} b{class_b}">{lead}</div>
{sections}
<h2>{differences_title}</h2>
{differences}
{shared}
<h2>{use_title}</h2>
{use}
{pictures}
<div class="web">
<h2>{more_title}</h2>
<p>{about}</p>
{near}
</div>
]]
local paragraph = html.template [[<p>{text}</p>]]
local point = html.template [[<li>{text}</li>]]
local list_of = html.template [[<ul>{points}</ul>]]
local section = html.template [[<h2>{heading}</h2>{columns}]]
local columns = html.template [[
<div class="two"><div class="k{class_a}"><h3 class="n">{a}</h3><p>{of_a}</p></div>
<div class="k{class_b}"><h3 class="n">{b}</h3><p>{of_b}</p></div></div>
]]
local difference_table = html.template [[
<table><thead><tr><td></td><th scope="col" class="k{class_a}"><span class="n">{a}</span></th>
<th scope="col" class="k{class_b}"><span class="n">{b}</span></th></tr></thead><tbody>{rows}</tbody></table>
]]
local row = html.template [[
<tr><th scope="row">{label}</th><td data-c="{a}" class="k{class_a}"><span>{of_a}</span></td>
<td data-c="{b}" class="k{class_b}"><span>{of_b}</span></td></tr>
]]
local shared_section = html.template [[<h3>{heading}</h3><dl class="text">{list}</dl>]]
local trait = html.template [[<dt>{label}</dt><dd>{value}</dd>]]
local code_link = html.template [[<a href="../{code}/index.html">{code} {phrase}</a>]]
local near_list = html.template [[<ul class="grid near">{list}</ul>]]
local near_link = html.template [[
<li class="k{class}"><a href="../{pair}/index.html"><span>{a} {versus} <b class="n">{b}</b> {phrase}</span></a></li>
]]

-- The traits in the order in which they tell most (the header fields include Retry-After), and the outcomes of the core
-- in situations that both can meet.
local TRAITS = { "sender", "methods", "search", "retry", "dialog", "headers" }
local SITUATIONS = { { "proxy", "alone" }, { "proxy", "other_flow" }, { "proxy", "next_server" },
    { "proxy", "may_recurse" }, { "registrar", "REGISTER" }, { "uac", "INVITE" }, { "uac", "REGISTER" } }

local function cells(a, b, label, of_a, of_b)
    return row { label = label, a = a.code, b = b.code, class_a = a.class, class_b = b.class, of_a = of_a, of_b = of_b }
end

-- An outcome is left out where a trait of the comparison already says it: "search" says that a proxy forwards the
-- response, and "retry" what a user agent does. What a user agent does after a REGISTER is left out if it does the same
-- after an INVITE.
local function is_told(site, code, each)
    local outcome = site.behaviour.outcome(code, each[1], each[2])
    local decision = outcome and outcome.decision
    if not decision or each[1] == "registrar" then return false end
    local plain = decision.action == "fail" or decision.action == "retry" and #decision.change > 0
    if each[1] == "proxy" then
        local forwarded = decision.action == "forward" or decision.action == "fail"
        return each[2] == "alone" and forwarded and not decision.status and not decision.merge_challenges
    end
    local invite = site.behaviour.outcome(code, "uac", "INVITE")
    return plain or each[2] == "REGISTER" and invite and invite.decision.action == decision.action
end

-- "Send again?" has the address of the next attempt. That a user agent gives up, because it has no other address or its
-- policy is not to follow redirections, would seem to contradict that.
local ADDRESSED = { follow = true, through = true, alternative = true, elsewhere = true }

local function is_addressed(code, each)
    return each[1] == "uac" and each[2] == "INVITE" and ADDRESSED[code.traits.retry]
end

local function outcomes(site, text, a, b, rows)
    local words = text.words
    for _, each in ipairs(SITUATIONS) do
        local of_a = site.behaviour.outcome(a.code, each[1], each[2])
        local of_b = site.behaviour.outcome(b.code, each[1], each[2])
        local said_a = of_a and site.behaviour.say(words, of_a)
        local said_b = of_b and site.behaviour.say(words, of_b)
        local told = is_told(site, a.code, each) and is_told(site, b.code, each)
            or is_addressed(a, each) or is_addressed(b, each)
        if said_a and said_b and said_a ~= said_b and not told then
            local situation = words.situation[each[2]] or each[2]
            rows[#rows + 1] = cells(a, b, words.role[each[1]] .. ": " .. situation, said_a, said_b)
        end
    end
end

local function compare_traits(site, text, a, b)
    local rows, shared = {}, {}
    if a.class ~= b.class then
        rows[1] = cells(a, b, text.base.label.class, text.base.class[a.class], text.base.class[b.class])
    end
    for _, name in ipairs(TRAITS) do
        local of_a, of_b = tools.trait(site, text, a, name), tools.trait(site, text, b, name)
        local label = text.base.label[name]
        if of_a ~= of_b and not (type(a.traits[name]) == "table" and text.same(a.traits[name], b.traits[name])) then
            rows[#rows + 1] = cells(a, b, label, of_a, of_b)
        else
            shared[#shared + 1] = trait { label = label, value = of_a }
        end
    end
    outcomes(site, text, a, b, rows)
    if a.reference ~= b.reference then
        rows[#rows + 1] = cells(a, b, text.base.label.reference, tools.spaced(a.reference), tools.spaced(b.reference))
    end
    return rows, shared
end

local function side_by_side(a, b, member)
    return columns { a = a.code, b = b.code, class_a = a.class, class_b = b.class, of_a = a[member], of_b = b[member] }
end

-- What sets the two apart: the note of the pair, or sentences made for it, of which the first has the meanings.
local function difference(site, text, a, b)
    local note = text.pairs[tools.pair_key(a.code, b.code)]
    return note and { note } or site.contrast.sentences(text.words, text.base, a, b)
end

local function lead(said)
    local points = html.each(table.move(said, 2, #said, 1, {}), function(text) return point { text = text } end)
    return html.join(paragraph { text = said[1] }, #points > 0 and list_of { points = points } or false)
end

local function near_pairs(site, text, a, b)
    local list = {}
    for _, code in ipairs { a, b } do
        for _, number in ipairs(site.related[code.code]) do
            if number ~= a.code and number ~= b.code then
                local other = text.codes[number]
                list[#list + 1] = near_link { pair = tools.pair(code.code, number), a = code.code, b = number,
                    class = other.class, phrase = other.phrase, versus = text.words.versus }
            end
        end
    end
    return #list > 0 and near_list { list = list } or false
end

local function classes(text, a, b)
    local first, second = text.base.class[a.class], text.base.class[b.class]
    return tools.sentence(first) .. (first ~= second and " · " .. tools.sentence(second) or "")
end

local function page_of(site, lang, a, b)
    local text = site.text[lang]
    local words, sections = text.words, {}
    for i, name in ipairs { "description", "when", "fix" } do
        sections[i] = section { heading = words.heading[name], columns = side_by_side(a, b, name) }
    end
    local rows, shared = compare_traits(site, text, a, b)
    local said = difference(site, text, a, b)
    return {
        path = tools.pair(a.code, b.code),
        title = format(words.pair_title, a.code, a.phrase, b.code, b.phrase),
        description = tools.shorten(table.concat(said, " ")),
        body = body {
            class_a = a.class, class_b = b.class, a = a.code, b = b.code, phrase_a = a.phrase, phrase_b = b.phrase,
            versus = words.versus, meta = classes(text, a, b), lead = lead(said), sections = sections,
            differences_title = text.base.heading.differences,
            differences = #rows > 0 and difference_table { a = a.code, b = b.code, class_a = a.class, class_b = b.class,
                rows = rows } or paragraph { text = format(text.base.meaning_only, a.code, b.code) },
            shared = #shared > 0 and shared_section { heading = words.shared, list = shared } or false,
            use_title = text.base.heading.use, use = side_by_side(a, b, "use"),
            pictures = site.pictures.of_pair(lang, a.code, b.code),
            more_title = words.more,
            about = html.join(words.more_about, " ", code_link(a), ", ", code_link(b), "."),
            near = near_pairs(site, text, a, b),
        },
    }
end

function pair_page.pages(site, lang, write)
    local codes = site.text[lang].codes
    for i, number in ipairs(site.codes) do
        for j = i + 1, #site.codes do
            write(page_of(site, lang, codes[number], codes[site.codes[j]]))
        end
    end
end

return pair_page
