-- `result`, `input`, `notify` are kept as sent: cjson would turn [] into {} and round numbers. That makes this check a
-- security boundary, because cjson alone accepts raw newlines in strings (which forge events), NaN, 0x1F and 01.
local raw_json = {} do

function raw_json.is_number(token)
  local rest = match(token, '^%-?0(.*)$') or match(token, '^%-?[1-9]%d*(.*)$')
  if not rest then return false end
  rest = match(rest, '^%.%d+(.*)$') or rest
  return rest == '' or match(rest, '^[eE][+-]?%d+$') ~= nil
end

-- Half of a surrogate pair becomes U+FFFD: who cuts a text in the middle of an emoji sends one.
local function without_lone_surrogates(s)
  if not find(s, '\\u[dD][89a-fA-F]') then return s end
  local parts, from, i = {}, 1, find(s, '\\', 1, true)
  while i do
    local unit = match(s, '^\\u(%x%x%x%x)', i)
    unit = unit and tonumber(unit, 16)
    local step = unit and 6 or 2
    if unit and unit >= 0xD800 and unit <= 0xDFFF then
      local low = unit < 0xDC00 and match(s, '^\\u[dD][c-fC-F]%x%x', i + 6)
      if low then
        step = 12
      else
        parts[#parts + 1] = sub(s, from, i - 1) .. '\\ufffd'
        from = i + 6
      end
    end
    i = find(s, '\\', i + step, true)
  end
  parts[#parts + 1] = sub(s, from)
  return table.concat(parts)
end

-- The text with every string taken out, for looking at what stands between them.
local function without_strings(s)
  local parts, from = {}, 1
  while true do
    local open = find(s, '"', from, true)
    if not open then break end
    parts[#parts + 1] = sub(s, from, open - 1)
    local i = open + 1
    while true do
      i = find(s, '["\\]', i)
      if not i then return nil end
      if byte(s, i) == 34 then break end
      i = i + 2
    end
    from = i + 1
  end
  parts[#parts + 1] = sub(s, from)
  return table.concat(parts, ' ')
end

function raw_json.checked(field, s, limit)
  if #s > limit then refuse(field, 'at most ' .. limit .. ' bytes of JSON, this has ' .. #s) end
  s = gsub(s, '[\r\n\t]', ' ')
  if find(s, '[%z\1-\31]') then refuse(field, 'no control characters in JSON; escape them as \\u00XX') end
  s = without_lone_surrogates(text.repaired(s))
  if #s > limit then refuse(field, 'at most ' .. limit .. ' bytes of JSON, this has ' .. #s .. ' once its characters are mended') end
  local bare = without_strings(s)
  if not bare or not find(s, '[^ ]') or not pcall(cjson.decode, s) then refuse(field, 'this is not valid JSON') end
  local depth = 0
  for bracket in gmatch(bare, '[%[%]{}]') do
    if bracket == '[' or bracket == '{' then
      depth = depth + 1
      if depth > 32 then refuse(field, 'JSON may be nested 32 deep') end
    else
      depth = depth - 1
    end
  end
  for token in gmatch(bare, '[^ %[%]{},:]+') do
    local number = raw_json.is_number(token)
    -- Beyond a double: most readers refuse it, whatever its digits.
    if number and math.abs(tonumber(token)) == math.huge then refuse(field, 'a number in this JSON is too large') end
    if token ~= 'true' and token ~= 'false' and token ~= 'null' and not number then
      refuse(field, 'this is not valid JSON: ' .. sub(gsub(token, '[^%w.+-]', '?'), 1, 20) .. ' is no value')
    end
  end
  return s
end

end
