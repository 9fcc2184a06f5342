-- How a report changes a job: the state machine, and the attempts that it counts.
local transitions = {} do

function transitions.fresh(ns, id, at, type, global, policy, made)
  return {
    id = id, key = ns .. ':job:' .. id, stored = {}, v = 0, status = 'pending', attempt = 1, max = policy.max, type = type,
    created = digits(at), updated = 0, lease = digits(policy.lease), retries = policies.offers_retry(policy, made), made = made and '1' or nil,
    retention = digits(global.retention), abandoned = digits(global.abandoned),
  }
end

-- The highest that a report may name.
local LAST_ATTEMPT = 1000000

local function clear_progress(job)
  for _, field in ipairs({'percent', 'current', 'total', 'unit', 'step', 'message', 'eta', 'eta_at', 'expected', 'spread'}) do job[field] = nil end
end

-- Owner, tenant and type may go from unset to a value once. Returns true if one did.
function transitions.set_ownership(job, f)
  local changed = false
  for _, field in ipairs({'owner', 'tenant'}) do
    if f[field] then
      if job[field] and job[field] ~= f[field] then refuse(field, 'this job has another one, and it cannot change') end
      if not job[field] then
        changed = true
        batches.will_move(job)
      end
      job[field] = f[field]
    end
  end
  if f.type and f.type ~= job.type then
    if job.type ~= 'default' or job.v == 0 then
      if job.v > 0 then refuse('type', 'this job has another one, and it cannot change') end
    else
      changed = true
      job.type = f.type
    end
  end
  local scope = record.scope(job)
  if scope and #scope > 256 then refuse('owner', 'tenant and owner, percent-encoded, may take 256 bytes together') end
  return changed
end

-- What the policy of a type says of a job whose type was not known before.
function transitions.learn_type(job, f, policy)
  job.lease, job.retries = digits(policy.lease), policies.offers_retry(policy, job.made)
  if not f.max_attempts and job.max == 1 then job.max = policy.max end
end

function transitions.set_group(job, f)
  if f.group and f.group ~= job.group then
    batches.will_move(job)
    job.group = f.group
  end
  job.group_size = f.group_size
  -- Kept with the batch, not with the job.
  if f.publisher then job.publisher = f.publisher end
  if f.group_publishers then job.group_publishers = f.group_publishers end
end

local MAX_LABELS, MAX_ATTEMPTS = 16, 1000

-- Returns false if there was no room for all of them.
function transitions.set_labels(job, labels)
  if not labels then return true end
  local all = {}
  if job.labels then
    for key, value in pairs(cjson.decode(job.labels)) do all[key] = value end
  end
  local keys, new = {}, {}
  for key, value in pairs(labels) do
    if value == '' then all[key] = nil elseif all[key] then all[key] = value else new[#new + 1] = key end
  end
  for key in pairs(all) do keys[#keys + 1] = key end
  table.sort(new)
  local fits = #keys + #new <= MAX_LABELS
  for i = 1, math.min(#new, MAX_LABELS - #keys) do
    keys[#keys + 1] = new[i]
    all[new[i]] = labels[new[i]]
  end
  table.sort(keys)
  local parts = {}
  for _, key in ipairs(keys) do parts[#parts + 1] = '"' .. key .. '":' .. text.quoted(all[key]) end
  job.labels = #parts > 0 and '{' .. table.concat(parts, ',') .. '}' or nil
  return fits
end

-- The members of `error` in a report, or nil if it says nothing of a failure.
local ERROR_MEMBERS = {'code', 'title', 'detail', 'action', 'severity', 'link', 'reference', 'retryable', 'trace'}
local ERROR_FIELDS = {}
for i = 1, #ERROR_MEMBERS do ERROR_FIELDS[i] = 'error.' .. ERROR_MEMBERS[i] end

local function error_of(f)
  local said
  for i = 1, #ERROR_FIELDS do
    local value = f[ERROR_FIELDS[i]]
    if value ~= nil then
      said = said or {}
      said[ERROR_MEMBERS[i]] = value
    end
  end
  return said
end

-- Side fields that do not go with the rest of a report are left out of it.
local function leave_out(f, field)
  if f[field] ~= nil then
    f[field] = nil
    mending.note(f, field, 'left out')
  end
end

local function leave_out_misplaced(f, fails, status, retries, has_group)
  if not fails then
    for i = 1, #ERROR_FIELDS do leave_out(f, ERROR_FIELDS[i]) end
  end
  if status ~= 'done' then leave_out(f, 'result') end
  if not has_group then leave_out(f, 'group_size') end
  if not retries then
    leave_out(f, 'retry_at')
    leave_out(f, 'retry_in')
    leave_out(f, 'spend_attempt')
  end
  if f.retry_at then leave_out(f, 'retry_in') end
end

-- A result that is too large or is no JSON is left out, and the record says how many bytes it had.
local function set_result(job, f, global)
  if not f.result then return end
  local reader = mending.checked(raw_json.checked, global().max_result)
  local result, mended = reader('result', f.result)
  if mended then mending.note(f, 'result', mended) end
  job.result, job.result_omitted = result, not result and digits(#f.result) or nil
end

function transitions.derived_percent(current, total)
  return math.min(100, math.floor(tonumber(current) / tonumber(total) * 1000) / 10)
end

local function set_progress(ns, job, f, at)
  for _, field in ipairs({'step', 'message'}) do
    -- A traceback has more than one line, a message hardly ever.
    if f[field] and find(f[field], '\n', 1, true) and traces.looks_like_one(f[field]) then
      failures.keep_traces(ns, job, {f[field]})
      f[field] = nil
    end
  end
  for _, field in ipairs({'unit', 'step', 'message'}) do
    if f[field] then job[field] = f[field] ~= '' and text.quoted(f[field]) or nil end
  end
  for _, field in ipairs({'current', 'total'}) do
    if f[field] then job[field] = f[field] end
  end
  if f.eta then job.eta, job.eta_at = f.eta, digits(at) end
  local percent = f.percent
  if not percent and (f.current or f.total) and job.current and job.total and tonumber(job.total) > 0 then
    percent = transitions.derived_percent(job.current, job.total)
  end
  if percent and percent >= tonumber(job.percent or 0) then job.percent = digits(percent) end
end

local function backoff(policy, attempt)
  local span = math.min(policy.cap, policy.base * policy.factor ^ math.min(attempt - 1, 60))
  return math.floor(span / 2 + math.random() * span / 2)
end

-- After the last attempt comes the last one again: with another number no report could follow.
function transitions.begin_attempt(job, attempt)
  job.attempt = math.min(attempt, LAST_ATTEMPT)
  if job.max < job.attempt then job.max = job.attempt end
  clear_progress(job)
  job.retry_at = nil
end

-- An attempt is over, one way or the other: its time goes into the history.
local function end_attempt(job, at)
  if job.started and record.stored_status(job) == 'processing' then job.duration = math.max(0, at - tonumber(job.started)) end
end

-- Another attempt is due at `due`.
function transitions.retry_later(ns, job, at, due)
  end_attempt(job, at)
  transitions.begin_attempt(job, job.attempt + 1)
  job.status, job.retry_at = 'retrying', due and digits(math.floor(due)) or nil
  job.started, job.locked, job.stalled = nil, nil, nil
  work.drop(ns, job)
  -- What someone asked to cancel is not tried again: the supervisor cancels it.
  keep.deadline(ns, job, job.cancel and at or due)
end

-- Puts the job where its workers find it, and gives them time to begin.
function transitions.offer(ns, job, at, policy)
  job.retry_at = nil
  if policy.dispatch then work.put(ns, job, at) else work.put_command(ns, job, 'retry') end
  keep.deadline(ns, job, at + policy.offered_start_timeout)
end

function transitions.finish(ns, job, status, at, error)
  end_attempt(job, at)
  if status == 'done' and job.duration then estimate.remember(ns, job) end
  job.status, job.finished, job.error = status, digits(at), error
  job.stalled, job.retry_at, job.cancel = nil, nil, status == 'cancelled' and job.cancel or nil
  job.eta, job.eta_at, job.expected, job.spread = nil, nil, nil, nil
  if status == 'done' then job.percent = '100' end
  work.drop(ns, job)
  keep.deadline(ns, job, nil)
end

-- Applies a checked report to the job. Returns nil, or why it is ignored; flags are set on the way.
function transitions.apply(ns, job, f, at, flags, global)
  if FINAL[job.status] then return 'final' end
  if f.attempt and f.attempt < job.attempt then return 'stale_attempt' end
  local status = f.status or job.status
  if status == 'pending' and job.status ~= 'pending' then return 'transition' end
  local retries = status == 'retrying' and (job.status ~= 'retrying' or f.status == 'retrying')

  if transitions.set_ownership(job, f) then flags.o = true end
  local policy
  local function of_type()
    policy = policy or policies.of_type(ns, job.type, global())
    return policy
  end
  if f.type and flags.o then transitions.learn_type(job, f, of_type()) end
  transitions.set_group(job, f)
  if f.max_attempts then job.max = math.max(f.max_attempts, job.attempt) end
  if not transitions.set_labels(job, f.labels) then mending.note(f, 'labels', 'left out') end
  if f.lease then job.lease = digits(math.floor(f.lease * 1000)) end
  if f.attempt and f.attempt > job.attempt then
    transitions.begin_attempt(job, f.attempt)
    job.started = nil
    flags.s = true
  end
  if status == 'failed' and f['error.retryable'] == 'true' and job.attempt < job.max then retries = true end
  local fails = status == 'failed' or status == 'retrying'
  leave_out_misplaced(f, fails, status, retries, job.group)
  -- Nothing is refused from here on, so nothing is written before.
  if f.traces and fails then
    -- Beside a trace that was given as one.
    if f['error.trace'] then table.insert(f.traces, 1, f['error.trace']) end
    f['error.trace'] = table.concat(f.traces, '\n\n')
  elseif f.traces then
    failures.keep_traces(ns, job, f.traces)
  end
  local said = error_of(f)
  set_result(job, f, global)
  set_progress(ns, job, f, at)

  local was = job.status
  if retries then
    -- The attempt rises as ever, since it fences; the job may then have one more.
    if f.spend_attempt == 'false' then job.max = math.max(job.max, math.min(job.max + 1, MAX_ATTEMPTS)) end
    job.error = said and failures.describe(ns, job, said, at, false)
    transitions.retry_later(ns, job, at, f.retry_at or at + (f.retry_in and f.retry_in * 1000 or backoff(of_type(), job.attempt)))
    flags.s = true
  elseif FINAL[status] then
    transitions.finish(ns, job, status, at, status == 'failed' and failures.describe(ns, job, said or {}, at, true) or nil)
    flags.s, flags.f = true, true
  elseif status == 'processing' then
    if not job.started then
      job.started = digits(at)
      estimate.expect(ns, job)
    end
    job.status, job.locked, job.retry_at, job.error = status, digits(at), nil, nil
    if job.stalled then job.stalled, flags.c, flags.what = nil, true, 'resumed' end
    keep.deadline(ns, job, at + tonumber(job.lease))
  elseif status == 'pending' then
    job.locked = nil
    if job.v == 0 and of_type().start_timeout > 0 then keep.deadline(ns, job, at + policy.start_timeout) end
  end
  if job.status ~= was then flags.s = true end
  return nil
end

end
