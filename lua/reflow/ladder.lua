-- SPDX-License-Identifier: BSD-2-Clause
-- Draws what happened in a spec or a scene as a SIP ladder, an SVG picture:
--
--     ladder.svg(record, language)   an <svg> element that can stand inside HTML; language: "en" or "es"
--     ladder.file(record, language)  a whole file, with a visible title and a background
--
-- A record is a table; times are in milliseconds, and a text may be a table of texts by language:
--   id            the prefix of ids in the picture, [%w-]+ (default "ladder")
--   title         a text
--   labels        { [name] = text }: what is written in place of the name of a participant
--   participants  { { name, kind, label } ... } in the order of their columns; kind: "caller" "reflow" "flow" "phone"
--                 "edge" "server". Those who send requests and get none stand on the left of "reflow"
--   left          the name of one more that stands there
--   rules         { { rule, what it says, in English } ... }: rules that the picture shows beside those of decisions
--   failure       why the test failed, a text; nil: it did not
--   events        { { at, kind, ... } ... }, in the order in which they happened; kinds:
--     message     from, to, line, method, code (of a response), cseq, in_dialog, fields = { { name, value } ... };
--                 lost: nobody is there; again: the event of the same message that was sent before
--     decision    by, role, code, action, rule, says (what the rule says, in English), and of the decision: status,
--                 verdict, refused, origin, rest, drop, change, wait_min, wait_max, and its flags; of its facts:
--                 invite (the method), provisional_seen; forgets_route: a user agent had a Service-Route
--     flow        who, state: "opened" "refused" (with code) "cut" "silent", "closed" "connected" (a connection),
--                 "icmp" (an error), "restarted" (reflow itself); plain: without outbound
--     log         level, text
--                 setup: it belongs to the preparation; only flows are drawn then
--
-- The width is that of a small screen, so that the text stays readable there. Colours are CSS variables, --ladder-ink
-- and others in `style`, with values for light and dark. The same record gives the same bytes.
local words_of = require "reflow.ladder_words"
local rules_of = { es = require "reflow.catalog.es_rules" }

local ladder = {}

local WIDTH, PAD, COLUMN = 360, 8, 56
local SCALE = 4 / 3         -- of the natural size
local ROWS_MOST = 400       -- events beyond are counted
local TEXT_MOST = 160       -- characters of one label
local FIELDS_MOST = 6       -- header fields of a message
local GAP_MS = 50           -- time that is worth a row
local SIZE, SMALL = 13, 12.5

-- --- text ---

-- Bytes that are no UTF-8, and characters that XML does not have, become U+FFFD.
local function clean(text)
    if not text:find "[\0-\31\127-\255]" then return text end
    local out, at = {}, 1
    while at <= #text do
        local last = utf8.len(text, at, at) and utf8.offset(text, 2, at) - 1 or at
        local character = text:sub(at, last)
        local code = utf8.len(character) and utf8.codepoint(character)
        local fits = code and code >= 32 and code ~= 127 and code ~= 0xfffe and code ~= 0xffff
        out[#out + 1] = fits and character or (code == 9 or code == 10) and " " or "\u{fffd}"
        at = last + 1
    end
    return table.concat(out)
end

local function cut(text)
    text = clean(text)
    if utf8.len(text) <= TEXT_MOST then return text end
    return text:sub(1, utf8.offset(text, TEXT_MOST) - 1) .. "…"
end

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function escape(text)
    return (clean(text):gsub("[&<>\"']", entities))
end

-- Widths in thousandths of the size: those of DejaVu Sans, which is wider than other usual fonts.
local widths = {}
for characters, width in ("ijl 280 I., 320 ft|:;!'/ 395 r()[]- 415 cszJ 555 k 580 vxy_ 595 aeo 615 hnu 636 w 820 "
    .. "m 975 @W% 1000 MQOGCDHNU 790"):gmatch "(%S+)%s+(%d+)" do
    for character in characters:gmatch "." do widths[character] = tonumber(width) end
end
widths[" "] = 320

local function measure(text, size, bold)
    local sum = 0
    for character in text:gmatch(utf8.charpattern) do
        sum = sum + (widths[character] or character:find "%u" and 690 or #character > 2 and 1000 or 640)
    end
    return sum * size / 1000 * (bold and 1.11 or 1)
end

-- The first part of a word that fits, and the rest.
local function split_word(word, width, size, bold)
    local at = 1
    while at <= #word do
        local after = utf8.offset(word, 2, at)
        if at > 1 and measure(word:sub(1, after - 1), size, bold) > width then break end
        at = after
    end
    return word:sub(1, at - 1), word:sub(at)
end

-- The lines of a text. `first` is the width that is left in the first one.
local function wrap(text, width, size, bold, first)
    local lines, line = {}, nil
    local function room() return #lines == 0 and first or width end
    for word in text:gmatch "%S+" do
        local longer = line and line .. " " .. word or word
        if line and measure(longer, size, bold) > room() then
            lines[#lines + 1], longer = line, word
        end
        while measure(longer, size, bold) > width and utf8.len(longer) > 1 do
            lines[#lines + 1], longer = split_word(longer, width, size, bold)
        end
        line = longer
    end
    lines[#lines + 1] = line
    return lines
end

local function localized(text, language)
    if type(text) == "table" then return text[language] or text.en or "" end
    return text
end

-- --- words ---

local function number(words, value)
    return (("%.2f"):format(value):gsub("0+$", ""):gsub("%.$", ""):gsub("%.", words.point))
end

local function duration(words, seconds)
    if seconds < 120 then return words.seconds:format(number(words, seconds)) end
    local rest = seconds % 60
    local text = words.minutes:format(seconds // 60)
    return rest == 0 and text or text .. " " .. words.seconds:format(number(words, rest))
end

local function name_of(drawing, name)
    local label = drawing.record.labels and drawing.record.labels[name]
    return cut(localized(label, drawing.language) or drawing.words.names[name] or drawing.labels[name] or name)
end

local function agent_words(words, event)
    local text = words.uac[event.action] or event.action
    local changes = {}
    for _, change in ipairs(event.change or {}) do
        changes[#changes + 1] = words.changes[change] or change:gsub("_", " ")
    end
    if event.bye then text = words.bye end
    if event.end_usage then text = words.ends end
    if event.never_repeat and event.action == "fail" then text = words.never end
    if event.store_binding then text = words.bound end
    if event.subscription_stands and event.code < 300 then text = words.subscribed end
    if event.next_server then text = words.next_server end
    if event.forgets_route then text = words.forgets:format(text) end
    if event.action == "retry" and #changes > 0 then text = words.with:format(table.concat(changes, words.join)) end
    local least, most = event.wait_min or 0, event.wait_max or 0
    if most > 0 then
        local wait = least == most and duration(words, most)
            or words.range:format(number(words, least), number(words, most))
        text = (event.action == "fail" and words.may or words.after):format(text, wait)
    end
    return text
end

local function server_words(words, event)
    local text = words.proxy[event.action] or event.action
    if event.action == "fail" and event.merge_challenges then text = words.challenges end
    if event.action == "hold" and event.origin ~= "wire" then text = words.waits end
    if event.action == "hold" and event.cancel_rest then text = words.stops end
    if event.status then text = words.status:format(event.status) end
    if event.next_server and event.origin == "flow_down" then return words.by_contact end
    if event.next_server then text = words.next_server end
    if event.drop then text = (event.drop == "flow" and words.drop_flow or words.drop):format(text) end
    if event.rest then text = words.rest:format(text, duration(words, event.rest)) end
    return text
end

-- "486 → next target", and further sentences.
local function decision_words(drawing, event)
    local words = drawing.words
    local what = words.origins[event.origin] or tostring(event.code)
    local text = words.arrow:format(what, (event.role == "uac" and agent_words or server_words)(words, event))
    if event.by ~= "reflow" then text = words.by:format(name_of(drawing, event.by), text) end
    local more = {}
    if event.verdict then more[#more + 1] = words.verdict:format(event.verdict) end
    if event.refused then more[#more + 1] = words.guardrail:format(event.refused) end
    return cut(text), more
end

-- Requests that are sent again, changed, with a higher CSeq.
local repeatable = { INVITE = true, REGISTER = true, SUBSCRIBE = true, OPTIONS = true, MESSAGE = true, PUBLISH = true }

local function message_words(event)
    local text = event.line
    if event.method and not event.code then
        local target = event.line:match "^%S+%s+sips?:([^;%s]+)"
        text = event.method
        if event.to == "reflow" and target and not event.in_dialog and event.method ~= "ACK"
            and event.method ~= "CANCEL" then
            text = ("%s %s"):format(text, target)
        end
        if event.cseq and event.cseq > 1 and repeatable[event.method] then
            text = ("%s (CSeq %d)"):format(text, event.cseq)
        end
    end
    return cut(text)
end

local function field_words(event)
    local fields = {}
    for index, field in ipairs(event.fields or {}) do
        if index > FIELDS_MOST then break end
        fields[index] = cut(field[1] .. ": " .. field[2])
    end
    return fields
end

-- --- rows: what is drawn from top to bottom, with the height of each ---

local function add_row(drawing, kind, height, row)
    row = row or {}
    row.kind, row.height = kind, height
    drawing.rows[#drawing.rows + 1] = row
    return row
end

-- A sentence for those who do not see the picture.
local function describe(drawing, text)
    drawing.sentences[#drawing.sentences + 1] = text
end

local make = {}

function make.message(drawing, event)
    local words = drawing.words
    local text, fields = message_words(event), field_words(event)
    local count = drawing.sent[event]
    local shown = count and words.times:format(text, count) or text
    if event.lost then shown = ("%s (%s)"):format(shown, words.lost) end
    local width = drawing.width - 2 * PAD
    local lines, small = wrap(shown, width, SIZE), {}
    for _, field in ipairs(fields) do
        for _, line in ipairs(wrap(field, width, SMALL)) do small[#small + 1] = line end
    end
    add_row(drawing, "message", 18 + 15 * (#lines + #small), { event = event, lines = lines, small = small })
    local sentence = #fields > 0 and ("%s (%s)"):format(text, table.concat(fields, "; ")) or text
    if event.lost then sentence = ("%s (%s)"):format(sentence, words.lost) end
    if count then sentence = ("%s, %s"):format(sentence, words.again:format(count)) end
    describe(drawing, words.message:format(name_of(drawing, event.from), name_of(drawing, event.to), sentence))
end

-- Decisions without weight: a provisional response is passed on, a late one is not, a user agent has nothing to do.
local function is_light(event)
    local ends = event.role == "uac" and (event.action == "fail" or event.action == "forward")
        and not (event.end_usage or event.never_repeat or event.store_binding or event.subscription_stands
            or event.forgets_route)
        and (event.wait_max or 0) == 0
    return event.origin == "wire" and not event.verdict and not event.refused
        and (event.code < 200 or event.action == "absorb" or ends)
end

-- The text of each rule stands once below the ladder.
local function add_rule(drawing, rule, says)
    if drawing.rules[rule] then return end
    drawing.rules[rule] = true
    local translated = rules_of[drawing.language] and rules_of[drawing.language][rule]
    drawing.rules[#drawing.rules + 1] = { rule, translated or says }
end

function make.decision(drawing, event)
    local text, more = decision_words(drawing, event)
    local light = is_light(event)
    local width = drawing.width - 2 * PAD - 16
    local rule_width = measure(event.rule, SMALL, true) + 12
    local lines = wrap(text, width, light and SMALL or SIZE, false, width - rule_width)
    for _, each in ipairs(more) do
        for _, line in ipairs(wrap(cut(each), width, SIZE)) do lines[#lines + 1] = line end
    end
    add_row(drawing, "decision", (light and 6 or 17) + 16 * #lines, { event = event, lines = lines, light = light })
    describe(drawing, ("%s (%s)."):format(table.concat({ text, table.unpack(more) }, "; "), event.rule))
    if not light then add_rule(drawing, event.rule, event.says) end
end

-- What has words of its own, whoever it happens to.
local named_states = { closed = true, connected = true, icmp = true, restarted = true }

local function flow_words(drawing, event)
    local kind = drawing.kinds[event.who]
    local words = drawing.words
    if named_states[event.state] then return words[event.state] end
    if event.state == "opened" then return (kind == "phone" or event.plain) and words.registered or words.opened end
    if event.state == "cut" then return (kind == "flow" or kind == "edge") and words.cut or words.gone end
    if event.state == "refused" then return words.refused:gsub("%%d", tostring(event.code or "?")) end
    return words.silent
end

-- Several flows that open or die at the same time are one row.
function make.flow(drawing, event)
    if event.state == "refused" and not event.setup then return end
    local label = flow_words(drawing, event)
    local last = drawing.rows[#drawing.rows]
    local joins = last and last.kind == "flow" and last.state == event.state and last.label == label
        and last.at == event.at
    local row = joins and last or add_row(drawing, "flow", 0, { state = event.state, label = label, at = event.at })
    row[#row + 1] = event.who
    local names = {}
    for index, who in ipairs(row) do names[index] = name_of(drawing, who) end
    local text = label:format(table.concat(names, ", "))
    if joins then drawing.sentences[#drawing.sentences] = nil end
    describe(drawing, text .. ".")
    row.lines = wrap(cut(text), drawing.width - 2 * PAD, SIZE)
    row.height = 18 + 15 * #row.lines
end

function make.log(drawing, event)
    if event.level ~= "error" and event.level ~= "warning" then return end
    local lines = wrap(cut(event.text), drawing.width - 2 * PAD - 16, SMALL)
    add_row(drawing, "log", 8 + 15 * #lines, { lines = lines })
    describe(drawing, cut(event.text) .. ".")
end

-- The timer whose end the decision is about (RFC 3261 16.8, 17.1).
local function timer_of(event)
    return not event.invite and "F" or event.provisional_seen and "C" or "B"
end

local function add_gap(drawing, event, since)
    local words = drawing.words
    local time = duration(words, since / 1000)
    local expires = event.kind == "decision" and event.origin == "timeout"
    local text = expires and words.expires:format(timer_of(event), time) or words.later:format(time)
    add_row(drawing, "gap", 30, { text = text })
    describe(drawing, text .. ".")
end

local function is_drawn(event)
    return not event.again and (event.kind == "flow" or not event.setup)
end

-- How often each message was sent, if more than once: the copies are not drawn.
local function count_copies(events)
    local sent = {}
    for _, event in ipairs(events) do
        local first = event.again
        if first and not event.setup then sent[first] = (sent[first] or 1) + 1 end
    end
    return sent
end

local function make_rows(drawing)
    local drawn, at, left = 0, nil, 0
    for _, event in ipairs(drawing.record.events) do
        if is_drawn(event) and drawn >= ROWS_MOST then
            left = left + 1
        elseif is_drawn(event) then
            local before = #drawing.rows
            if at and event.at - at >= GAP_MS and event.kind ~= "log" then
                add_gap(drawing, event, event.at - at)
                before = before + 1
            end
            make[event.kind](drawing, event)
            drawn, at = drawn + (#drawing.rows > before and 1 or 0), event.at
        end
    end
    if left > 0 then
        add_row(drawing, "gap", 30, { text = drawing.words.more:format(left) })
        describe(drawing, drawing.words.more:format(left) .. ".")
    end
    for _, each in ipairs(drawing.record.rules or {}) do add_rule(drawing, each[1], each[2]) end
    local failure = localized(drawing.record.failure, drawing.language)
    if failure then
        local lines = {}
        for line in failure:gmatch "[^\n]*[^%s^][^\n]*" do -- without the mark of where two lists differ
            for _, part in ipairs(wrap(cut(line), drawing.width - 2 * PAD - 16, SMALL)) do lines[#lines + 1] = part end
        end
        add_row(drawing, "failure", 30 + 15 * #lines, { lines = lines })
        describe(drawing, ("%s: %s"):format(drawing.words.failed, clean(failure)))
    end
end

-- --- columns ---

-- Those who take part, and who sends requests without being sent any.
local function find_parts(record)
    local appear, asks, asked = { reflow = true }, {}, {}
    for _, event in ipairs(record.events) do
        if event.kind == "flow" then appear[event.who] = true end
        if event.kind == "message" and not event.setup then
            appear[event.from], appear[event.to] = true, true
            if event.method and not event.code then asks[event.from], asked[event.to] = true, true end
        end
    end
    return appear, asks, asked
end

local function place_columns(drawing)
    local record = drawing.record
    local appear, asks, asked = find_parts(record)
    local left, right = {}, {}
    for _, each in ipairs(record.participants) do
        drawing.kinds[each.name], drawing.labels[each.name] = each.kind, each.label
        local is_left = asks[each.name] and (not asked[each.name] or each.kind == "caller")
            or record.left == each.name
        if each.name ~= "reflow" and appear[each.name] then
            table.insert(is_left and left or right, each.name)
        end
    end
    local columns = left
    columns[#columns + 1] = "reflow"
    for _, name in ipairs(right) do columns[#columns + 1] = name end
    drawing.width = math.max(WIDTH, #columns * COLUMN + 2 * PAD)
    local step = (drawing.width - 2 * PAD) / #columns
    for index, name in ipairs(columns) do
        drawing.columns[index] = { name = name, label = name_of(drawing, name),
            x = math.floor(PAD + step * (index - 0.5) + 0.5) }
        drawing.x[name] = drawing.columns[index].x
    end
    drawing.step = step
end

-- --- drawing ---

local function put(drawing, format, ...)
    drawing.out[#drawing.out + 1] = format:format(...)
end

local function put_text(drawing, class, x, y, text)
    put(drawing, '<text class="%s" x="%g" y="%g">%s</text>', class, x, y, escape(text))
end

-- The middle of a label that must not leave the picture.
local function middle(drawing, x, text, size)
    local half = measure(text, size) / 2
    return math.floor(math.max(PAD + half, math.min(drawing.width - PAD - half, x)) + 0.5)
end

-- Names stand on two levels if they are too wide for their columns.
local function head_levels(drawing)
    for _, column in ipairs(drawing.columns) do
        if measure(column.label, SIZE, true) > drawing.step - 14 then return #drawing.columns > 1 and 2 or 1 end
    end
    return 1
end

local function draw_heads(drawing, y)
    local levels = head_levels(drawing)
    local room = drawing.step * levels - 14
    for index, column in ipairs(drawing.columns) do
        local label = column.label
        if measure(label, SIZE, true) > room then label = split_word(label, room - 12, SIZE, true) .. "…" end
        local width = math.min(room + 8, measure(label, SIZE, true) + 14)
        local left = math.max(2, math.min(drawing.width - 2 - width, column.x - width / 2))
        local top = y + (index - 1) % levels * 28
        put(drawing, '<rect class="%s" x="%g" y="%g" width="%g" height="24" rx="5"/>',
            column.name == "reflow" and "own" or "box", math.floor(left), top, math.ceil(width))
        put_text(drawing, "c b", math.floor(left + width / 2), top + 17, label)
        column.top = top + 24
    end
    return y + levels * 28
end

local function is_cut(row)
    return row.state == "cut" or row.state == "closed"
end

-- Where a lifeline begins to be dotted, because its flow is cut, or solid again: y, y, ...
local function turns_of(drawing, column, y)
    local turns, alive = {}, true
    for _, row in ipairs(drawing.rows) do
        for _, who in ipairs(row.kind == "flow" and row or {}) do
            if who == column.name and row.state ~= "icmp" and alive == is_cut(row) then
                turns[#turns + 1], alive = y + row.height - 8, not alive
            end
        end
        y = y + row.height
    end
    return turns
end

-- Lifelines are dotted where a flow is cut. Stripes over all of them make them dotted where time passes.
local function draw_lifelines(drawing, top, bottom)
    local solid, dotted, gaps = {}, {}, {}
    for _, column in ipairs(drawing.columns) do
        local from, list = column.top, solid
        local turns = turns_of(drawing, column, top)
        turns[#turns + 1] = bottom
        for _, to in ipairs(turns) do
            list[#list + 1] = ("M%g %gV%g"):format(column.x, from, to)
            from, list = to, list == solid and dotted or solid
        end
    end
    local y = top
    for _, row in ipairs(drawing.rows) do
        if row.kind == "gap" then gaps[#gaps + 1] = ("M%g %gv%g"):format(drawing.width / 2, y, row.height) end
        y = y + row.height
    end
    put(drawing, '<path class="life" d="%s"/>', table.concat(solid))
    if #dotted > 0 then put(drawing, '<path class="life dot" d="%s"/>', table.concat(dotted)) end
    if #gaps > 0 then
        put(drawing, '<path class="gap" stroke-width="%d" d="%s"/>', drawing.width, table.concat(gaps))
    end
end

local function class_of(event)
    local code = event.code
    if not code then return "" end
    return code < 200 and " soft" or code < 300 and " ok" or code < 400 and " warn" or " bad"
end

local draw = {}

function draw.message(drawing, row, y)
    local event = row.event
    local from, to = drawing.x[event.from], drawing.x[event.to]
    if not from or not to then return end
    local way = to > from and 1 or -1
    for _, line in ipairs(row.lines) do
        y = y + 15
        put_text(drawing, "c" .. class_of(event), middle(drawing, (from + to) / 2, line, SIZE), y, line)
    end
    for _, line in ipairs(row.small) do
        y = y + 15
        put_text(drawing, "c s", middle(drawing, (from + to) / 2, line, SMALL), y, line)
    end
    y = y + 8
    if event.lost then
        local stop = to - way * 14
        put(drawing, '<path class="m dash" d="M%g %gH%g"/><path class="m bad" d="M%g %gl8 8m0-8l-8 8"/>', from, y,
            stop - way * 6, stop - 4, y - 4)
    else
        put(drawing, '<path class="m%s" d="M%g %gH%gm%d-4l%d 4l%d 4"/>', class_of(event), from, y, to - way,
            -6 * way, 6 * way, -6 * way)
    end
end

function draw.decision(drawing, row, y)
    local event = row.event
    local x = drawing.x[event.by]
    local class = row.light and "s h" or "n"
    local step = row.light and 1 or 5
    if not row.light then
        put(drawing, '<rect class="rule" x="%g" y="%g" width="%g" height="%g" rx="4"/>', PAD, y + 4,
            drawing.width - 2 * PAD, row.height - 8)
        if x then put(drawing, '<circle class="node" cx="%g" cy="%g" r="4"/>', x, y + 4) end
    end
    for index, line in ipairs(row.lines) do
        put_text(drawing, class, PAD + 8, y + step + 16 * index - 1, line)
    end
    put_text(drawing, row.light and "e s h" or "e id", drawing.width - PAD - 8, y + step + 15, event.rule)
end

function draw.flow(drawing, row, y)
    local own = drawing.x.reflow
    local cuts, opens = is_cut(row), row.state == "opened" or row.state == "connected"
    local far = own
    for _, who in ipairs(row) do
        local x = drawing.x[who]
        if x and math.abs(x - own) > math.abs(far - own) then far = x end
    end
    for _, line in ipairs(row.lines) do
        y = y + 15
        put_text(drawing, cuts and "c bad" or "c s", middle(drawing, (own + far) / 2, line, SIZE), y, line)
    end
    y = y + 8
    put(drawing, '<path class="flow%s" d="M%g %gH%g"/>', opens and "" or " dash", own, y, far)
    for _, who in ipairs(row) do
        local x = drawing.x[who]
        if x and opens then
            put(drawing, '<circle class="node" cx="%g" cy="%g" r="4"/>', x, y)
        elseif x then
            put(drawing, '<path class="m bad" d="M%g %gl10 10m0-10l-10 10"/>', x - 5, y - 5)
        end
    end
end

function draw.gap(drawing, row, y)
    local x = middle(drawing, drawing.width / 2 + 8, row.text, SIZE)
    local clock = x - measure(row.text, SIZE) / 2 - 8
    put_text(drawing, "c s", x, y + 20, row.text)
    put(drawing, '<path class="clock" d="M%g %ga5 5 0 1 0 10 0a5 5 0 1 0-10 0m5-3v3h2"/>', math.floor(clock) - 5,
        y + 16)
end

function draw.log(drawing, row, y)
    for _, line in ipairs(row.lines) do
        y = y + 15
        put_text(drawing, "s h", PAD + 8, y, line)
    end
end

function draw.failure(drawing, row, y)
    put(drawing, '<rect class="wrong" x="%g" y="%g" width="%g" height="%g" rx="4"/>', PAD, y + 4,
        drawing.width - 2 * PAD, row.height - 8)
    put_text(drawing, "n bad b", PAD + 8, y + 20, drawing.words.failed)
    for index, line in ipairs(row.lines) do
        put_text(drawing, "s", PAD + 8, y + 20 + 15 * index, line)
    end
end

-- What the rules say, each once.
local function draw_rules(drawing, y)
    for _, each in ipairs(drawing.rules) do
        local id, says = each[1], each[2] or ""
        local lines = wrap(cut(says), drawing.width - 2 * PAD - 8, SMALL)
        put_text(drawing, "id", PAD, y + 14, id)
        for index, line in ipairs(lines) do put_text(drawing, "s", PAD + 8, y + 14 + 15 * index, line) end
        y = y + 15 * (#lines + 1) + 5
    end
    return y
end

local light = "--ink:var(--ladder-ink,#1f2328);--soft:var(--ladder-muted,#57606a);--line:var(--ladder-line,#8c959f);"
    .. "--paper:var(--ladder-paper,#fff);--ok:var(--ladder-ok,#116329);--warn:var(--ladder-warn,#7d4e00);"
    .. "--bad:var(--ladder-bad,#b3131f);--rule:var(--ladder-rule,#0550ae);--tint:var(--ladder-rule-paper,#ddf4ff)"
local dark = "--ink:var(--ladder-ink,#e6edf3);--soft:var(--ladder-muted,#9da7b1);--line:var(--ladder-line,#6e7681);"
    .. "--paper:var(--ladder-paper,#0d1117);--ok:var(--ladder-ok,#56d364);--warn:var(--ladder-warn,#e3b341);"
    .. "--bad:var(--ladder-bad,#ff8c85);--rule:var(--ladder-rule,#79c0ff);--tint:var(--ladder-rule-paper,#10253f)"
local shapes = {
    "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif;fill:var(--ink)}",
    ".c{text-anchor:middle}.c,.h{paint-order:stroke;stroke:var(--paper);stroke-width:5px;stroke-linejoin:round}",
    ".box+.c,.own+.c{stroke:none}",
    ".e{text-anchor:end}.b,.id{font-weight:600}.s,.id{font-size:12.5px}.s,.soft{fill:var(--soft)}.id{fill:var(--rule)}",
    ".ok{fill:var(--ok)}.warn{fill:var(--warn)}.bad{fill:var(--bad)}",
    "path{fill:none;stroke:var(--ink);stroke-linejoin:round;stroke-linecap:round}",
    "path.soft{stroke:var(--soft)}path.ok{stroke:var(--ok)}path.warn{stroke:var(--warn)}path.bad{stroke:var(--bad)}",
    "path.ok,path.warn,path.bad,path.soft{fill:none}",
    ".m{stroke-width:1.5}.life{stroke:var(--line);stroke-width:1}.dot{stroke-dasharray:1 4}.dash{stroke-dasharray:5 4}",
    ".flow{stroke:var(--rule);stroke-width:4;opacity:.35}.flow.dash{stroke:var(--bad);stroke-width:1.5;opacity:1}",
    ".gap{stroke:var(--paper);stroke-dasharray:5 2;stroke-linecap:butt}",
    ".clock{stroke:var(--soft);stroke-width:1.2}",
    ".box{fill:var(--paper);stroke:var(--line)}.own{fill:var(--tint);stroke:var(--rule)}",
    ".rule{fill:var(--tint);stroke:none}.node{fill:var(--rule);stroke:var(--paper);stroke-width:1.5}",
    ".wrong{fill:var(--paper);stroke:var(--bad)}.page{fill:var(--paper)}.title{font-size:15px;font-weight:600}",
}

-- Every selector is confined to ladders: a style in HTML applies to the whole page.
local function style()
    local out = { ".ladder{max-width:100%;height:auto;", light,
        "}@media screen and (prefers-color-scheme:dark){.ladder{", dark, "}}" }
    for _, shape in ipairs(shapes) do
        for selectors, body in shape:gmatch "([^{}]+)(%b{})" do
            local confined = {}
            for selector in selectors:gmatch "[^,]+" do confined[#confined + 1] = ".ladder " .. selector end
            out[#out + 1] = table.concat(confined, ",") .. body
        end
    end
    return table.concat(out)
end

local function draw_title(drawing, y)
    for _, line in ipairs(wrap(cut(drawing.title), drawing.width - 2 * PAD, 15, true)) do
        y = y + 19
        put_text(drawing, "title", PAD, y, line)
    end
    return y + 9
end

local function draw_all(drawing, has_title)
    local y = has_title and draw_title(drawing, 4) or 4
    local top = draw_heads(drawing, y) + 2
    local bottom = top
    for _, row in ipairs(drawing.rows) do bottom = bottom + row.height end
    draw_lifelines(drawing, top, bottom + 6)
    y = top
    for _, row in ipairs(drawing.rows) do
        draw[row.kind](drawing, row, y)
        y = y + row.height
    end
    return draw_rules(drawing, bottom + 14) + 2
end

local function new_drawing(record, language)
    local words = words_of[language]
    if not words then error(("there are no labels in the language '%s'"):format(tostring(language)), 3) end
    local drawing = { record = record, language = language, words = words, out = {}, rows = {}, sentences = {},
        columns = {}, x = {}, kinds = {}, labels = {}, rules = {}, sent = count_copies(record.events),
        title = localized(record.title, language) or "" }
    place_columns(drawing)
    make_rows(drawing)
    return drawing
end

local function close(drawing, height, background)
    local id = (drawing.record.id or "ladder"):gsub("[^%w-]", "-")
    return table.concat {
        ('<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" lang="%s" '):format(drawing.language),
        ('aria-labelledby="%s-title %s-desc" width="%d" height="%d" viewBox="0 0 %d %d">\n'):format(id, id,
            math.floor(drawing.width * SCALE), math.floor(height * SCALE), drawing.width, height),
        ('<title id="%s-title">%s</title>\n'):format(id, escape(drawing.title)),
        ('<desc id="%s-desc">%s</desc>\n'):format(id, escape(table.concat(drawing.sentences, " "))),
        "<style>", style(), "</style>\n", background, table.concat(drawing.out, "\n"), "\n</svg>\n",
    }
end

function ladder.svg(record, language)
    local drawing = new_drawing(record, language)
    return close(drawing, draw_all(drawing, false), "")
end

function ladder.file(record, language)
    local drawing = new_drawing(record, language)
    local height = draw_all(drawing, true)
    return close(drawing, height, ('<rect class="page" width="%d" height="%d"/>\n'):format(drawing.width, height))
end

return ladder
