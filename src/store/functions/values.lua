-- What a value of a call may be: each function returns the value, or refuses its field.
local values = {} do

function values.number(field, s, lowest, highest)
  local n = raw_json.is_number(s) and tonumber(s) or nil
  if not n or n < lowest or n > highest then
    refuse(field, 'a number from ' .. lowest .. ' to ' .. format('%.0f', highest))
  end
  return n
end

function values.integer(field, s, lowest, highest)
  local n = match(s, '^%-?%d+$') and tonumber(s) or nil
  if not n or n < lowest or n > highest then
    refuse(field, 'a whole number from ' .. lowest .. ' to ' .. format('%.0f', highest))
  end
  return n
end

function values.limited(field, s, limit)
  if #s > limit then refuse(field, 'at most ' .. limit .. ' bytes, this has ' .. #s) end
  return s
end

function values.name(field, s, limit)
  if #s < 1 or #s > limit or find(s, '[^%w._:-]') then
    refuse(field, '1 to ' .. limit .. ' of the characters A-Z a-z 0-9 . _ : -')
  end
  return s
end

-- A name that programs give. Viewers see it, so there is no room in it for a sentence or a traceback.
function values.program_name(field, s)
  if #s > 128 or find(s, '[^%w._:\\-]') then refuse(field, 'up to 128 of the characters A-Z a-z 0-9 . _ : \\ -; write sentences in error.title') end
  return s
end

function values.link(field, s)
  values.limited(field, s, 2000)
  if not (find(lower(s), '^https?://[^/]') or find(s, '^/[^/\\]') or s == '/') or find(s, '[%z\1-\32"<>\\^`{|}\127]') then
    refuse(field, 'an http or https address, or a path that begins with /')
  end
  return s
end

function values.one_of(field, s, allowed)
  for _, one in ipairs(allowed) do if s == one then return s end end
  refuse(field, 'one of ' .. table.concat(allowed, ', '))
end

function values.encoded(s)
  return (gsub(s, '[^%w%-._~]', function(c) return format('%%%02X', byte(c)) end))
end

-- Of two ids of stream entries.
function values.is_before(a, b)
  local a_time, a_number = match(a, '^(%d+)-(%d+)$')
  local b_time, b_number = match(b, '^(%d+)-(%d+)$')
  if a_time ~= b_time then return tonumber(a_time) < tonumber(b_time) end
  return tonumber(a_number) < tonumber(b_number)
end

end
