-- A job's hash holds its fields one by one, text already in JSON's form, so that building the record is one
-- concatenation; and `doc`, the record as it was last published. While a job is at work, `front` and `back` are what stands
-- around the parts of the record that progress changes, and what `now` has is newer than the fields of the same.
local record = {} do

-- What is kept of a job, in the order it is read; the first four are numbers.
record.KEPT = {
  'v', 'attempt', 'max', 'updated', 'status', 'type', 'created', 'started', 'finished', 'locked', 'retry_at', 'owner', 'tenant',
  'group', 'stalled', 'cancel', 'percent', 'current', 'total', 'unit', 'step', 'message', 'eta', 'eta_at', 'error', 'labels', 'result',
  'lease', 'retries', 'made', 'work', 'expires', 'retention', 'abandoned', 'expected', 'spread', 'gid', 'share', 'seen_at', 'seen_by',
  'result_omitted',
}
local KEPT, NUMBERS, STATUS = record.KEPT, 4, 5
local READ = {}
for i = 1, #KEPT do READ[i] = KEPT[i] end
READ[#KEPT + 1] = 'now'

-- While a job is at work, `now` is all that a report of progress needs besides: until when its lifetime needs no renewal, when it
-- began, the attempt; when it was updated, version and percent (-1: none), which each report changes and writes nowhere else; and a
-- flag. That being 0, the scope is what is left. Being 1, it is expected, spread, eta, eta_at (-1: none), whether the job is of a batch, scope
-- and the middle of the progress. Binary: to make a string of each number takes as long as to ask Redis for it.
record.HEAD, record.MORE, record.HEAD_SIZE = '<ddddddB', '<ddddBI2c0I2c0', 49

function record.load(ns, id)
  local key = ns .. ':job:' .. id
  local h = call('HMGET', key, unpack(READ))
  if not h[1] then return nil end
  local job = {id = id, key = key, stored = h}
  for i = 1, #KEPT do
    local value = h[i]
    if value then job[KEPT[i]] = i <= NUMBERS and tonumber(value) or value end
  end
  local moved = h[#READ]
  if not moved then return job end
  local _, _, _, updated, v, percent = unpacked(record.HEAD, moved)
  if v <= job.v then return job end
  job.v = v
  -- Otherwise a library before 1.6 was at it since, which leaves `now` where it is.
  if job.status == 'processing' then
    job.updated, job.percent = updated, percent >= 0 and digits(percent) or nil
    -- A heartbeat may have come since.
    local time = digits(updated)
    if time > (job.locked or '') then job.locked = time end
  end
  return job
end

-- The status that Redis holds, whatever the job is about to become.
function record.stored_status(job) return job.stored[STATUS] end

local function can(job)
  if FINAL[job.status] then
    return job.status ~= 'done' and job.retries == '1' and '["retry"]' or '[]'
  end
  return job.cancel and '[]' or '["cancel"]'
end

-- The members of `progress`, without its braces. All are in JSON's form. Those that seldom change together are the middle.
function record.middle(current, total, unit, step)
  return (current and ',"current":' .. current or '') .. (total and ',"total":' .. total or '') ..
    (unit and ',"unit":' .. unit or '') .. (step and ',"step":' .. step or '')
end

function record.progress(percent, mid, message, eta)
  return sub((percent and ',"percent":' .. percent or '') .. mid .. (message and ',"message":' .. message or '') .. eta, 2)
end

function record.progress_of(job, at)
  local eta = ''
  local function of(field) return job[field] and tonumber(job[field]) end
  if job.status == 'processing' and not job.stalled then
    eta = estimate.members(at, of('eta'), of('eta_at'), job.started and at - job.started, of('percent'), of('expected'), of('spread'))
  elseif job.eta and not FINAL[job.status] then
    eta = estimate.members(at, of('eta'), of('eta_at'))
  end
  return record.progress(job.percent, record.middle(job.current, job.total, job.unit, job.step), job.message, eta)
end

-- The record around version, updated_at, progress and locked_at.
function record.front(job)
  return ',"type":"' .. job.type .. '","status":"' .. job.status .. '","attempt":' .. digits(job.attempt) .. ',"max_attempts":' ..
    digits(job.max) .. ',"progress":{'
end

function record.back(job)
  local function put(key, value) return value and key .. value or '' end
  return '},"stalled":' .. (job.stalled and 'true' or 'false') .. ',"cancel_requested":' .. (job.cancel and 'true' or 'false') ..
    ',"can":' .. can(job) .. (FINAL[job.status] and ',"seen":' .. (job.seen_at and 'true' or 'false') or '') ..
    put(',"created_at":', job.created) .. put(',"started_at":', job.started) .. put(',"finished_at":', job.finished) ..
    put(',"retry_at":', job.retry_at) .. put(',"owner":', job.owner and text.quoted(job.owner)) ..
    put(',"tenant":', job.tenant and text.quoted(job.tenant)) ..
    (job.group and ',"group":' .. text.quoted(job.group) .. ',"group_id":"' .. job.gid .. '"' or '') ..
    put(',"error":', job.error) .. put(',"labels":', job.labels) .. put(',"result":', job.result) ..
    put(',"result_omitted":', job.result_omitted)
end

function record.compose(id, version, updated, front, inside, back, locked)
  return '{"id":"' .. id .. '","version":' .. version .. ',"updated_at":' .. updated .. front .. inside .. back ..
    (locked and ',"locked_at":' .. locked .. '}' or '}')
end

function record.now(job, scope)
  local renew = math.max(tonumber(job.expires or 0) - tonumber(job.abandoned) / 2, 0)
  local mid = record.middle(job.current, job.total, job.unit, job.step)
  local more = job.expected or job.eta or job.gid or mid ~= ''
  scope = scope or ''
  if more then
    scope = pack(record.MORE, job.expected or -1, job.spread or -1, job.eta or -1, job.eta_at or -1, job.gid and 1 or 0, #scope, scope, #mid, mid)
  end
  return pack(record.HEAD, renew, job.started, job.attempt, job.updated, job.v, job.percent or -1, more and 1 or 0) .. scope
end

function record.scope(job)
  if not job.owner then return nil end
  return values.encoded(job.tenant or '') .. '/' .. values.encoded(job.owner)
end

end
