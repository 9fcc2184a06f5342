-- A side field never holds a report up: a text that is too long is cut, a number beyond its range is clamped, any other bad
-- value is left out. The history names what was mended, and `ns:mended` counts it by field.
local mending = {} do

-- Notes in a report that has been read, `f`, what became of a field.
function mending.note(f, field, what)
  local all = f.mended or {}
  f.mended = all
  all[#all + 1] = {field, what}
end

-- The readers below return a value, or nil to leave the field out; what was mended, if anything was; and a trace, if the text
-- is one.

local function cut(s, limit)
  s = text.repaired(s)
  if #s <= limit then return s end
  return text.cut(s, limit), 'cut'
end

function mending.cut(limit)
  return function(_, s) return cut(s, limit) end
end

-- A traceback that is to be cut is looked at whole: cut, it may not be known for one, and viewers would see its beginning.
function mending.cut_for_viewers(limit)
  return function(_, s)
    if #s > limit and traces.looks_like_one(s) then return nil, nil, cut(s, traces.LIMIT) end
    return cut(s, limit)
  end
end

-- Any number that is finite; what is whole and above 2^53 would not come back as it was.
function mending.clamped(highest, whole)
  return function(_, s)
    local n = raw_json.is_number(s) and tonumber(s)
    if not n or n - n ~= 0 then return nil, 'left out' end
    local kept = math.max(0, math.min(n, highest))
    if whole then kept = math.floor(kept) end
    return kept, kept ~= n and 'clamped' or nil
  end
end

-- What `check` would refuse is left out.
function mending.checked(check, ...)
  local more = {...}
  return function(field, s)
    local ok, value = pcall(check, field, s, unpack(more))
    if ok then return value end
    if type(value) ~= 'table' or not value.jobcast then error(value, 0) end
    return nil, 'left out'
  end
end

-- For the history, such as `error.title cut, lease left out`.
function mending.told(f)
  local parts = {}
  for i, one in ipairs(f.mended) do parts[i] = one[1] .. ' ' .. one[2] end
  return sub(table.concat(parts, ', '), 1, 1000)
end

-- Labels count as one field: their names are the sender's. After the report has been written, and whatever `ns:mended` is.
function mending.count(ns, f)
  local key = ns .. ':mended'
  for _, one in ipairs(f.mended) do
    local field = find(one[1], '^labels%.') and 'labels' or one[1]
    local had = try('HGET', key, field)
    try('HSET', key, field, digits((type(had) == 'string' and tonumber(had) or 0) + 1))
  end
end

-- A report that was refused is kept for operators. `id` and `field` are whatever was sent.
local KEPT_REFUSALS = '1000'
function mending.keep_refused(ns, id, refusal)
  local field, reason = match(refusal, '^JOBCAST ([^ ]*): (.*)$')
  id = gsub(sub(id or '', 1, 128), '[^%w._:-]', '?')
  -- Without memory nothing is kept, and the sender still hears what to change.
  try('XADD', ns .. ':refused', 'MAXLEN', KEPT_REFUSALS, '*', 'id', id, 'field', field or '', 'reason', reason or refusal)
end

end
