-- SPDX-License-Identifier: BSD-2-Clause
-- Plain text for a terminal: paragraphs filled to a width, counted in characters, not bytes.
local find, sub, rep = string.find, string.sub, string.rep
local concat = table.concat
local len = utf8.len

local WIDTH = 78

local layout = {}

local function characters(text)
    return len(text) or #text
end

-- The words of text, one after the other. Without patterns: they are plain spaces, and a script's host may lend
-- bounded pattern functions only.
local function words(text)
    local at = 1
    return function()
        while at <= #text do
            local space = find(text, " ", at, true) or #text + 1
            local word = sub(text, at, space - 1)
            at = space + 1
            if word ~= "" then return word end
        end
    end
end

-- Append text to lines; the first line starts with `first`, all others are indented to the same column.
function layout.fill(lines, first, text)
    local indent = rep(" ", characters(first))
    local line, length, empty = { first }, characters(first), true
    for word in words(text) do
        local size = characters(word)
        if not empty and length + 1 + size > WIDTH then
            lines[#lines + 1] = concat(line)
            line, length, empty = { indent }, characters(indent), true
        end
        if not empty then
            line[#line + 1] = " "
            length = length + 1
        end
        line[#line + 1] = word
        length, empty = length + size, false
    end
    lines[#lines + 1] = concat(line)
end

function layout.fits(text)
    return characters(text) <= WIDTH
end

-- text, and spaces up to `width` characters.
function layout.pad(text, width)
    return text .. rep(" ", width - characters(text))
end

-- The length of the longest of the strings, in characters.
function layout.widest(texts)
    local widest = 0
    for _, text in ipairs(texts) do
        local size = characters(text)
        if size > widest then widest = size end
    end
    return widest
end

return layout
