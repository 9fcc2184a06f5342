-- Free text is never refused for its bytes: broken UTF-8 becomes U+FFFD, control characters are
-- escaped. What leaves here is a JSON string on one line, so that no text can end a line of an event stream.
local text = {} do

local ESCAPES = {['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t'}
local function escape(c) return ESCAPES[c] or format('\\u%04x', byte(c)) end

-- How many bytes the well-formed UTF-8 sequence at `i` takes, or nil (Unicode 15, table 3-7).
local function sequence(s, i)
  local a, b, c, d = byte(s, i, i + 3)
  local function tail(x) return x and x >= 0x80 and x <= 0xbf end
  if a < 0x80 then return 1 end
  if a >= 0xc2 and a <= 0xdf then return tail(b) and 2 or nil end
  if a >= 0xe0 and a <= 0xef then
    local low, high = a == 0xe0 and 0xa0 or 0x80, a == 0xed and 0x9f or 0xbf
    return b and b >= low and b <= high and tail(c) and 3 or nil
  end
  if a >= 0xf0 and a <= 0xf4 then
    local low, high = a == 0xf0 and 0x90 or 0x80, a == 0xf4 and 0x8f or 0xbf
    return b and b >= low and b <= high and tail(c) and tail(d) and 4 or nil
  end
  return nil
end

-- The text with U+FFFD for each byte that is part of no sequence.
function text.repaired(s)
  local parts, from, i = {}, 1, find(s, '[\128-\255]')
  while i do
    local n = sequence(s, i)
    if not n then
      parts[#parts + 1] = sub(s, from, i - 1)
      parts[#parts + 1] = '\239\191\189'
      from = i + 1
    end
    i = find(s, '[\128-\255]', i + (n or 1))
  end
  if #parts == 0 then return s end
  parts[#parts + 1] = sub(s, from)
  return table.concat(parts)
end

-- At most `limit` bytes of a text, the ellipsis included; no character is cut in two.
local ELLIPSIS = '\226\128\166'
function text.cut(s, limit)
  local last = limit - #ELLIPSIS
  -- The first byte that goes continues a character: so that character goes as a whole.
  for _ = 1, 3 do
    local following = byte(s, last + 1)
    if following < 128 or following > 191 then break end
    last = last - 1
  end
  return sub(s, 1, last) .. ELLIPSIS
end

-- Returns the text as JSON, and true if it had to be changed.
function text.quoted(s)
  -- All of ASCII that needs no escape. Three ranges, the one with the small letters first, take a third of the time of classes.
  if not find(s, '^[]-~#-[ -!]*$') then
    s = gsub(text.repaired(s), '[%z\1-\31"\\\127]', escape)
    return '"' .. s .. '"', true
  end
  return '"' .. s .. '"'
end

end
