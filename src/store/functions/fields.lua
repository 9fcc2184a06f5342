-- One table says what each field of a report or of a creation may be.
local fields = {} do

function fields.bounded(limit) return function(field, s) return values.limited(field, s, limit) end end
local function present(limit)
  return function(field, s)
    if s == '' then refuse(field, 'a text that is not empty') end
    return values.limited(field, s, limit)
  end
end
local function amount(field, s) return digits(values.number(field, s, 0, MAX_TIME)) end

local COMMON = {
  type = function(field, s) return values.name(field, s, 64) end,
  owner = present(128), tenant = present(128), group = present(128),
  max_attempts = function(field, s) return values.integer(field, s, 1, 1000) end,
  by = function(field, s) return values.name(field, s, 64) end,
  group_size = function(field, s) return values.integer(field, s, 1, 10000000) end,
  -- From the gateway: what the publisher may handle.
  for_types = fields.bounded(8192), for_tenant = fields.bounded(128),
}

fields.REPORT = {
  status = function(field, s) return values.one_of(field, s, {'pending', 'processing', 'retrying', 'done', 'failed', 'cancelled'}) end,
  attempt = function(field, s) return values.integer(field, s, 1, 1000000) end,
  lease = function(field, s) return values.number(field, s, 1, 604800) end,
  percent = function(field, s) return values.number(field, s, 0, 100) end,
  current = amount, total = amount,
  unit = fields.bounded(100), step = fields.bounded(100), message = fields.bounded(500),
  eta = function(field, s) return digits(values.integer(field, s, 0, MAX_TIME)) end,
  ['error.code'] = values.program_name, ['error.title'] = fields.bounded(200), ['error.detail'] = fields.bounded(2000), ['error.action'] = fields.bounded(2000),
  ['error.severity'] = function(field, s) return values.one_of(field, s, {'low', 'high'}) end,
  ['error.retryable'] = function(field, s) return values.one_of(field, s, {'true', 'false'}) end,
  ['error.link'] = values.link, ['error.reference'] = values.program_name, ['error.trace'] = fields.bounded(16384),
  result = function(_, s) return s end,
  retry_in = function(field, s) return values.number(field, s, 0, YEAR / 1000) end,
  retry_at = function(field, s)
    local at = values.integer(field, s, 0, MAX_TIME)
    local today = clock.now()
    if at > today + YEAR then refuse(field, 'at most a year ahead, in milliseconds since the epoch') end
    if at < today - YEAR then refuse(field, 'in milliseconds since the epoch; this is over a year ago') end
    return at
  end,
}

fields.CREATE = {
  notify = function(_, s) return s end, input = function(_, s) return s end,
  request = fields.bounded(128),
  keyed = function(field, s) return values.one_of(field, s, {'1'}) end,
}

-- Reads `field value ...` from args[first] on. Labels come back in `labels`.
function fields.read(args, first, own)
  if (#args - first + 1) % 2 ~= 0 then refuse(args[#args], 'every field needs a value') end
  local out = {}
  for i = first, #args, 2 do
    local field, value = args[i], args[i + 1]
    local label = match(field, '^labels%.(.*)$')
    if label then
      values.name(field, label, 64)
      out.labels = out.labels or {}
      if out.labels[label] then refuse(field, 'given twice') end
      out.labels[label] = values.limited(field, value, 200)
    else
      local read = own[field] or COMMON[field]
      if not read then refuse(field, 'this is not a field; see docs/functions.md') end
      if out[field] ~= nil then refuse(field, 'given twice') end
      out[field] = read(field, value)
    end
  end
  return out
end

end
