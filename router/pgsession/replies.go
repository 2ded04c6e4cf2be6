package pgsession

// replyKind says what one message sent to a backend brings back (PostgreSQL
// manual 55.2.3, "Extended Query").
type replyKind uint8

const (
	replyParse    replyKind = iota + 1 // ParseComplete
	replyBind                          // BindComplete
	replyDescribe                      // ParameterDescription, then RowDescription or NoData
	replyExecute                       // rows, then CommandComplete, EmptyQueryResponse or PortalSuspended
	replyClose                         // CloseComplete
	replySync                          // ReadyForQuery
	replyQuery                         // anything, then ReadyForQuery
	replyLocal                         // nothing: ours, sent when its turn comes
)

// reply is one expected answer.
type reply struct {
	kind replyKind
	// quiet: the message was ours, the client must not see the answer.
	quiet bool
	// seq is the client's message that this answers, counted within a batch.
	seq int32
	// local is what a replyLocal sends to the client.
	local []byte
	// err replaces the ErrorResponse that this message is meant to cause.
	err error
	// prepares is what a replyParse prepares on the backend, or a replyClose of
	// ours closes.
	prepares preparation
	// describes is the statement that a replyDescribe describes; nil: a portal.
	describes *prepared
	// tells is the statement whose columns the client is told of by the answer.
	tells *prepared
	// portal is what a replyExecute runs, binds what a replyBind binds.
	portal *portal
	binds  *prepared
	// mustFail: the message is there to cause an error, which nobody sees.
	mustFail bool
	// commit: a quiet COMMIT of ours, whose error the client must see.
	commit bool
	// single: the client sees the first CommandComplete only; complete: it has.
	single, complete bool
}

// verdict says what to do with a message from a backend.
type verdict uint8

const (
	pass    verdict = iota + 1 // to the client
	drop                       // ours, or of nobody
	replace                    // an error of ours takes its place
	failed                     // an ErrorResponse for the client; the rest of the batch is void
	quietly                    // an ErrorResponse for a message of ours
	ready                      // ReadyForQuery: the machine sends its own
	copying                    // CopyInResponse
	desync                     // the backend broke the protocol
)

// replies is the queue of answers that a backend owes, with the rule that an
// error skips to the next Sync. It is a pure state machine: nearly every "out of
// sync" bug of a pooler would be one of this queue.
//
//	            ErrorResponse (extended)
//	in step ------------------------------> skipping
//	   ^                                       |
//	   +---------- ReadyForQuery --------------+
type replies struct {
	queue []reply
	head  int
	// skipping: the server ignores everything up to the next Sync, which has
	// not been sent yet.
	skipping bool
	// voided are the statements that were to be prepared or closed by messages
	// which an error made void.
	voided []preparation
}

// preparation is a statement that a Parse message prepares, under its own name
// or as the unnamed one; or the name of one that a Close message closes.
type preparation struct {
	closes string
	key    statementKey
	named  bool
	// before is what the unnamed statement was.
	before statementKey
	// tried: the server got as far as this Parse, which drops the unnamed
	// statement first.
	tried bool
}

// push notes what the next message will bring back.
func (q *replies) push(r reply) { q.queue = append(q.queue, r) }

// empty reports whether nothing is owed.
func (q *replies) empty() bool { return q.head == len(q.queue) }

// first returns the answer that is due, or nil.
func (q *replies) first() *reply {
	if q.empty() {
		return nil
	}
	return &q.queue[q.head]
}

func (q *replies) pop() {
	q.queue[q.head] = reply{} // what it belongs to may be large
	q.head++
	if q.empty() {
		q.queue, q.head = q.queue[:0], 0
	}
}

// takeVoided returns the statements that an error left unprepared.
func (q *replies) takeVoided() []preparation {
	voided := q.voided
	q.voided = q.voided[:0]
	return voided
}

// receive takes the type of the next message and says what to do with it. The
// reply it belonged to is returned by value.
func (q *replies) receive(typ byte) (verdict, reply) {
	r := q.first()
	switch typ {
	case 'N', 'S', 'A': // NoticeResponse, ParameterStatus, NotificationResponse: at any time
		if r == nil || r.quiet {
			return drop, reply{}
		}
		return pass, *r
	}
	if r == nil {
		return desync, reply{}
	}
	due := *r
	switch typ {
	case 'E':
		return q.fail(due), due
	case 'Z':
		if due.kind != replySync && due.kind != replyQuery {
			return desync, due
		}
		q.pop()
		q.skipping = false
		return ready, due
	}
	if due.kind == replyQuery {
		return q.inQuery(typ, due), due
	}
	return q.inBatch(typ, due), due
}

// fail handles an ErrorResponse.
func (q *replies) fail(due reply) verdict {
	if due.kind == replySync && !q.skipping {
		// An error at Sync itself: the commit of the implicit transaction failed.
		return failed
	}
	if due.kind != replyQuery {
		q.skipToSync()
	}
	switch {
	case due.err != nil:
		return replace
	case due.mustFail:
		return drop
	case due.quiet && due.kind == replyQuery && !due.commit:
		return quietly
	}
	return failed
}

// skipToSync drops what the server will not answer any more.
func (q *replies) skipToSync() {
	first := true
	for !q.empty() {
		r := q.first()
		if r.kind == replySync || r.kind == replyQuery {
			return
		}
		if r.kind == replyParse || r.prepares.closes != "" {
			r.prepares.tried = first
			q.voided = append(q.voided, r.prepares)
		}
		first = false
		q.pop()
	}
	q.skipping = true
}

// inQuery judges a message within the answer to a Query.
func (q *replies) inQuery(typ byte, due reply) verdict {
	switch typ {
	case 'G':
		return copying
	case 'T', 'D', 'C', 'I', 'H', 'd', 'c':
		if due.quiet || due.single && due.complete {
			return drop
		}
		q.first().complete = typ == 'C'
		return pass
	}
	return desync
}

// inBatch judges a message within the answers of the extended protocol.
func (q *replies) inBatch(typ byte, due reply) verdict {
	last, ok := belongs(typ, due.kind)
	if !ok {
		return desync
	}
	if last {
		q.pop()
	}
	if typ == 'G' {
		return copying
	}
	if due.quiet {
		return drop
	}
	return pass
}

// belongs reports whether a message type may be part of an answer, and whether
// it is the answer's last message.
func belongs(typ byte, kind replyKind) (last, ok bool) {
	switch typ {
	case '1':
		return true, kind == replyParse
	case '2':
		return true, kind == replyBind
	case '3':
		return true, kind == replyClose
	case 't':
		return false, kind == replyDescribe
	case 'T', 'n':
		return true, kind == replyDescribe
	case 'C', 'I', 's':
		return true, kind == replyExecute
	case 'D', 'G', 'H', 'd', 'c':
		return false, kind == replyExecute
	}
	return false, false
}
