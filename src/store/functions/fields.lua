-- One table says what each field of a report or of a creation may be.
local fields = {} do

function fields.bounded(limit) return function(field, s) return values.limited(field, s, limit) end end
local function present(limit)
  return function(field, s)
    if s == '' then refuse(field, 'a text that is not empty') end
    return values.limited(field, s, limit)
  end
end
local function as_sent(_, s) return s end
local function name(field, s) return values.name(field, s, 64) end
local function whole(lowest, highest) return function(field, s) return values.integer(field, s, lowest, highest) end end

local KINDS = {key = true, token = true, issuer = true}
local function publishers(field, s)
  s = gsub(values.limited(field, s, 2000), ' ', '')
  for one in gmatch(s, '[^,]+') do
    local kind = match(one, '^(%a+):[%w%%._~:-]*$')
    if not KINDS[kind] then refuse(field, 'key:<name>, token:<sub> or issuer:<iss>, percent-encoded, with commas between') end
  end
  return s
end

-- Whose and which job it is. Never guessed: a bad value is refused.
local IDENTITY = {
  type = name, owner = present(128), tenant = present(128), group = present(128),
  -- From the gateway: what the publisher may handle, and who it is.
  for_types = fields.bounded(8192), for_tenant = fields.bounded(128), publisher = fields.bounded(65536),
}

local function within(reader) return function(field, s)
  local n, mended = reader(field, s)
  return n and digits(n), mended
end end
local amount = within(mending.clamped(MAX_TIME))

fields.REPORT = {
  status = function(field, s) return values.one_of(field, s, STATUS_LIST) end,
  attempt = whole(1, 1000000),
  -- Side fields that a gateway could not say in pairs, with commas between.
  left_out = as_sent,
}
local CONTAINERS = {progress = true, error = true, labels = true}
fields.SIDE = {
  max_attempts = mending.checked(whole(1, 1000)), group_size = mending.checked(whole(1, 10000000)), by = mending.checked(name),
  lease = mending.checked(values.number, 1, 604800),
  percent = mending.clamped(100), current = amount, total = amount, eta = within(mending.clamped(MAX_TIME, true)),
  unit = mending.cut(100), step = mending.cut_for_viewers(100), message = mending.cut_for_viewers(500),
  ['error.code'] = mending.checked(values.program_name), ['error.reference'] = mending.checked(values.program_name),
  ['error.title'] = mending.cut_for_viewers(200), ['error.detail'] = mending.cut_for_viewers(2000),
  ['error.action'] = mending.cut_for_viewers(2000),
  ['error.severity'] = mending.checked(values.one_of, {'low', 'high'}),
  ['error.retryable'] = mending.checked(values.one_of, {'true', 'false'}),
  ['error.link'] = mending.checked(values.link), ['error.trace'] = mending.cut(traces.LIMIT),
  result = as_sent, spend_attempt = mending.checked(values.one_of, {'true', 'false'}),
  retry_in = mending.checked(values.number, 0, YEAR / 1000),
  retry_at = mending.checked(function(field, s)
    local at = values.integer(field, s, 0, MAX_TIME)
    local today = clock.now()
    if at > today + YEAR then refuse(field, 'at most a year ahead, in milliseconds since the epoch') end
    if at < today - YEAR then refuse(field, 'in milliseconds since the epoch; this is over a year ago') end
    return at
  end),
}

fields.CREATE = {
  max_attempts = whole(1, 1000), group_size = whole(1, 10000000), by = name,
  notify = as_sent, input = as_sent, request = fields.bounded(128),
  keyed = function(field, s) return values.one_of(field, s, {'1'}) end,
  former = function(field, s) return values.name(field, s, 128) end,
  group_publishers = publishers,
}

local LABEL = 200

local function read_label(out, field, label, value, side)
  local labels = out.labels or {}
  out.labels = labels
  if not side then
    values.name(field, label, 64)
    if labels[label] then refuse(field, 'given twice') end
    labels[label] = values.limited(field, value, LABEL)
  elseif labels[label] or #label < 1 or #label > 64 or find(label, '[^%w._:-]') then
    mending.note(out, 'labels', 'left out')
  else
    local mended
    labels[label], mended = mending.cut(LABEL)(field, value)
    if mended then mending.note(out, field, mended) end
  end
end

-- Names of side fields in `left_out`; a sender over Redis may write anything there.
function fields.note_left_out(f)
  for field in gmatch(sub(f.left_out or '', 1, 2000), '[^,]+') do
    if fields.SIDE[field] or CONTAINERS[field] then mending.note(f, field, 'left out') end
  end
end

-- Reads `field value ...` from args[first] on. Labels come back in `labels`. `own`: fields that are refused for a bad value;
-- `side`: fields that are mended (`mended` then says what was), among them the labels.
function fields.read(args, first, own, side)
  if (#args - first + 1) % 2 ~= 0 then refuse(args[#args], 'every field needs a value') end
  local out, given = {}, {}
  for i = first, #args, 2 do
    local field, value = args[i], args[i + 1]
    local label = match(field, '^labels%.(.*)$')
    local read = own[field] or IDENTITY[field]
    local mend = side and side[field]
    if label then
      read_label(out, field, label, value, side)
    elseif mend then
      local mended, trace
      if given[field] then mended = 'left out' else out[field], mended, trace = mend(field, value) end
      if mended then mending.note(out, field, mended) end
      if trace then
        out.traces = out.traces or {}
        out.traces[#out.traces + 1] = trace
      end
    elseif not read then
      refuse(field, 'this is not a field; see docs/functions.md')
    elseif given[field] then
      refuse(field, 'given twice')
    else
      out[field] = read(field, value)
    end
    given[field] = true
  end
  return out
end

end
