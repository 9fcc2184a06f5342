-- `result`, `input`, `notify` are kept as sent: cjson would turn [] into {} and round numbers. That makes this check a
-- security boundary, because cjson alone accepts raw newlines in strings (which forge events), NaN, 0x1F and 01.
local raw_json = {} do

function raw_json.is_number(token)
  local rest = match(token, '^%-?0(.*)$') or match(token, '^%-?[1-9]%d*(.*)$')
  if not rest then return false end
  rest = match(rest, '^%.%d+(.*)$') or rest
  return rest == '' or match(rest, '^[eE][+-]?%d+$') ~= nil
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
  text.each_bad_byte(s, function() refuse(field, 'JSON must be valid UTF-8') end)
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
    if token ~= 'true' and token ~= 'false' and token ~= 'null' and not raw_json.is_number(token) then
      refuse(field, 'this is not valid JSON: ' .. sub(gsub(token, '[^%w.+-]', '?'), 1, 20) .. ' is no value')
    end
  end
  return s
end

end
