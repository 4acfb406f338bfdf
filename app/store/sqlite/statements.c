/* statements.c - the SQL itself, one statement per need.
 * SPDX-License-Identifier: MIT
 * Growing tables are reached by their key or by a range of it, never scanned;
 * a test asks SQLite for the plan of each. */
#include "store/sqlite/statements.h"

#include <stddef.h>

#define DELIVERY_COLUMNS                                                               \
	"id,destination,target,state,attempts,prev,done_at,started_at,outcome,status," \
	"dns,connect,tls,first_byte,total,reason"
#define EVENT_COLUMNS "id,organization,occurred_at,flags,type,source_id,extra,data,made,fanout,prev"
#define WEBHOOK_COLUMNS                                                                     \
	"id,organization,public_id,name,description,event_types,is_active,disabled_reason," \
	"created_at,updated_at"
#define CHANNEL_COLUMNS "id,name,description,configs,status,disabled_reason"

static const char *const sql[ST_COUNT] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_SAVEPOINT] = "SAVEPOINT unit",
	[ST_SAVEPOINT_KEEP] = "RELEASE unit",
	[ST_SAVEPOINT_UNDO] = "ROLLBACK TO unit",

	[ST_META_GET] = "SELECT value FROM meta WHERE key=?1",
	[ST_META_SET] = "INSERT OR REPLACE INTO meta(key,value) VALUES(?1,?2)",

	[ST_PAGES] = "SELECT c.page_count,f.freelist_count,s.page_size FROM pragma_page_count c,"
		     "pragma_freelist_count f,pragma_page_size s",

	[ST_ORGANIZATION_ADD] = "INSERT INTO organization(public_id,internal_id,name,created_at)"
				" VALUES(?1,?2,?3,?4)",
	[ST_ORGANIZATIONS] = "SELECT id,public_id,internal_id,name,created_at FROM organization"
			     " ORDER BY id",
	[ST_ORGANIZATION_HEADS] = "SELECT organization,last,events,removed FROM organization_head",
	[ST_ORGANIZATION_HEAD_SAVE] =
		"INSERT OR REPLACE INTO"
		" organization_head(organization,last,events,removed) VALUES(?1,?2,?3,?4)",

	[ST_KEY_ADD] = "INSERT INTO api_key(organization,public_id,hash,scopes,is_test,created_at)"
		       " VALUES(?1,?2,?3,?4,?5,?6)",
	[ST_KEY_REVOKE] = "UPDATE api_key SET revoked_at=?2 WHERE id=?1 AND revoked_at=0",
	[ST_KEYS] = "SELECT id,organization,public_id,hash,scopes,is_test,created_at,revoked_at"
		    " FROM api_key ORDER BY id",

	[ST_WEBHOOK_ADD] =
		"INSERT INTO webhook(organization,public_id,name,description,event_types,"
		"is_active,disabled_reason,created_at,updated_at)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[ST_WEBHOOK_UPDATE] =
		"UPDATE webhook SET name=?2,description=?3,event_types=?4,is_active=?5,"
		"disabled_reason=?6,updated_at=?7 WHERE id=?1 AND removed_at=0",
	[ST_WEBHOOK_REMOVE] = "UPDATE webhook SET removed_at=?2 WHERE id=?1 AND removed_at=0",
	[ST_WEBHOOK_DISABLE] = "UPDATE webhook SET is_active=0,disabled_reason=?2,updated_at=?3"
			       " WHERE id=?1 AND is_active=1 AND removed_at=0",
	[ST_WEBHOOKS] = "SELECT " WEBHOOK_COLUMNS " FROM webhook WHERE removed_at=0 ORDER BY id",
	[ST_WEBHOOK_GET] = "SELECT " WEBHOOK_COLUMNS " FROM webhook WHERE id=?1 AND removed_at=0",
	[ST_WEBHOOK_FIND] = "SELECT id FROM webhook WHERE public_id=?1 AND organization=?2",
	[ST_SECRETS_REMOVE] = "DELETE FROM secret WHERE webhook=?1",
	[ST_SECRET_ADD] = "INSERT INTO secret(webhook,position,value,created_at,expires_at)"
			  " VALUES(?1,?2,?3,?4,?5)",
	[ST_SECRETS] = "SELECT value,created_at,expires_at FROM secret WHERE webhook=?1"
		       " ORDER BY position",

	[ST_CHANNEL_ADD] = "INSERT INTO channel(webhook,position,name,description,configs,status)"
			   " VALUES(?1,?2,?3,?4,?5,0)",
	[ST_CHANNEL_UPDATE] = "UPDATE channel SET position=?2,description=?3,configs=?4,status=?5,"
			      "disabled_reason=?6 WHERE id=?1",
	[ST_CHANNEL_REMOVE] = "UPDATE channel SET removed_at=?2 WHERE id=?1",
	[ST_CHANNEL_DISABLE] = "UPDATE channel SET status=1,disabled_reason=?2"
			       " WHERE id=?1 AND status=0",
	[ST_CHANNELS] = "SELECT " CHANNEL_COLUMNS " FROM channel WHERE webhook=?1 AND removed_at=0"
			" ORDER BY position",
	[ST_CHANNEL_OF_DESTINATION] = "SELECT c.name,c.configs,w.public_id FROM channel c"
				      " JOIN webhook w ON w.id=c.webhook WHERE c.id=?1",
	[ST_TARGET_ADD] = "INSERT INTO target(channel,position,value) VALUES(?1,?2,?3)",
	[ST_TARGET_MOVE] = "UPDATE target SET position=?2 WHERE id=?1",
	[ST_TARGET_REMOVE] = "UPDATE target SET removed_at=?2 WHERE id=?1",
	[ST_TARGETS] = "SELECT id,value FROM target WHERE channel=?1 AND removed_at=0"
		       " ORDER BY position",
	[ST_TARGET_VALUE] = "SELECT value FROM target WHERE id=?1",

	[ST_DESTINATION_ADD] = "INSERT INTO destination(id,organization,webhook) VALUES(?1,?2,?3)",
	[ST_DESTINATIONS] = "SELECT d.id,d.organization,d.webhook,d.last,d.created,d.due,d.held,"
			    "d.delivered,d.failed,d.cancelled,c.status,c.removed_at,w.is_active,"
			    "w.removed_at,w.disabled_reason IS NOT NULL,d.removed"
			    " FROM destination d JOIN channel c ON c.id=d.id"
			    " JOIN webhook w ON w.id=d.webhook",
	[ST_DESTINATION_OWNER] = "SELECT organization,webhook FROM destination WHERE id=?1",
	[ST_DESTINATIONS_OF_WEBHOOK] = "SELECT c.id,d.last FROM channel c"
				       " JOIN destination d ON d.id=c.id WHERE c.webhook=?1",
	[ST_ORGANIZATION_LAST] = "SELECT last FROM organization_head WHERE organization=?1",
	[ST_DESTINATION_SAVE] = "UPDATE destination SET last=?2,created=?3,due=?4,held=?5,"
				"delivered=?6,failed=?7,cancelled=?8,removed=?9 WHERE id=?1",
	[ST_ERROR_SET] = "INSERT OR REPLACE INTO webhook_error(webhook,message,channel,event_id,"
			 "status_code,occurred_at)"
			 " SELECT ?1,?2,name,?4,?5,?6 FROM channel WHERE id=?3",
	[ST_ERROR_CLEAR] = "DELETE FROM webhook_error WHERE webhook=?1",
	[ST_ERROR_GET] = "SELECT message,channel,event_id,status_code,occurred_at"
			 " FROM webhook_error WHERE webhook=?1",
	[ST_ERRORS] = "SELECT webhook FROM webhook_error",

	[ST_EVENT_ADD] =
		"INSERT INTO event(id,organization,prev,fanout,made,occurred_at,flags,type,"
		"source_id,extra,data) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
	[ST_EVENT_GET] = "SELECT " EVENT_COLUMNS " FROM event WHERE id=?1",
	[ST_EVENT_AT] = "SELECT " EVENT_COLUMNS " FROM event WHERE id<=?1 ORDER BY id DESC LIMIT 1",
	[ST_EVENT_NEWEST] = "SELECT id,fanout FROM event ORDER BY id DESC LIMIT 1",
	[ST_EVENT_MADE] = "SELECT made FROM event WHERE id=?1",
	[ST_EVENT_PREV] = "SELECT prev,fanout FROM event WHERE id=?1",

	[ST_EVENT_FROM] =
		"SELECT id,organization,fanout,flags,data IS NOT NULL OR extra IS NOT NULL"
		" FROM event WHERE id>=?1 ORDER BY id LIMIT 1",
	[ST_EVENT_ANY] = "SELECT 1 FROM event WHERE id>=?1 AND id<=?2 LIMIT 1",
	[ST_EVENTS_FROM] = "SELECT id,organization,fanout FROM event WHERE id>=?1"
			   " ORDER BY id LIMIT ?2",
	[ST_EVENTS_REMOVE] = "DELETE FROM event WHERE id>=?1 AND id<=?2",
	[ST_EVENT_PAYLOAD_REMOVE] = "UPDATE event SET data=NULL,extra=NULL,flags=flags|?2"
				    " WHERE id=?1",
	[ST_LATE_ADD] = "INSERT OR IGNORE INTO late(event) VALUES(?1)",
	[ST_LATE_REMOVE] = "DELETE FROM late WHERE event=?1",
	[ST_LATE_AFTER] = "SELECT event FROM late WHERE event>?1 ORDER BY event LIMIT 1",

	[ST_DELIVERY_ADD] = "INSERT INTO delivery(id,destination,target,state,attempts,prev)"
			    " VALUES(?1,?2,?3,?4,0,?5)",
	[ST_DELIVERY_SETTLE] = "UPDATE delivery SET state=?3,attempts=?4,done_at=?5,started_at=?6,"
			       "outcome=?7,status=?8,dns=?9,connect=?10,tls=?11,first_byte=?12,"
			       "total=?13,reason=?14 WHERE id=?1 AND state=?2",
	[ST_DELIVERY_STATE] = "SELECT state,target FROM delivery WHERE id=?1",
	[ST_DELIVERY_MOVE] = "UPDATE delivery SET state=?3,done_at=?4,reason=coalesce(?5,reason)"
			     " WHERE id=?1 AND state=?2",
	[ST_DELIVERY_GET] = "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE id=?1",
	[ST_DELIVERY_PREV] = "SELECT prev FROM delivery WHERE id=?1",
	[ST_DELIVERIES_OF_EVENT] = "SELECT " DELIVERY_COLUMNS " FROM delivery"
				   " WHERE id>?1 AND id<?2 ORDER BY id DESC",
	[ST_DELIVERIES_FOR_REMOVAL] = "SELECT id,destination,state FROM delivery"
				      " WHERE id>?1 AND id<?2 ORDER BY id LIMIT ?3",
	[ST_DELIVERIES_BELOW] = "SELECT " DELIVERY_COLUMNS " FROM delivery"
				" WHERE id<?1 AND id>0 ORDER BY id DESC",
	[ST_DELIVERY_ANY] = "SELECT 1 FROM delivery WHERE id>?1 AND id<?2 LIMIT 1",
	[ST_DELIVERY_UNFINISHED] = "SELECT 1 FROM delivery WHERE id>?1 AND id<?2"
				   " AND state IN (1,2) LIMIT 1",
	[ST_DELIVERIES_REMOVE] = "DELETE FROM delivery WHERE id>=?1 AND id<=?2",
	[ST_DELIVERIES_OF_CHAIN] = "SELECT id,prev FROM delivery WHERE id>?1 AND id<?2"
				   " AND destination=?3 ORDER BY id DESC",
	[ST_ATTEMPT_ADD] =
		"INSERT OR REPLACE INTO attempt(delivery,number,started_at,outcome,status,"
		"dns,connect,tls,first_byte,total,reason,excerpt)"
		/* Not for a delivery that retention removed while an attempt was under way. */
		" SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12"
		" WHERE EXISTS (SELECT 1 FROM delivery WHERE id=?1)",
	[ST_ATTEMPTS_REMOVE] = "DELETE FROM attempt WHERE delivery>=?1 AND delivery<=?2",
	[ST_ATTEMPTS] = "SELECT number,started_at,outcome,status,dns,connect,tls,first_byte,total,"
			"reason,excerpt FROM attempt WHERE delivery=?1 ORDER BY number",

	[ST_QUEUE_ADD] = "INSERT INTO queue(destination,due,delivery) VALUES(?1,?2,?3)",
	[ST_QUEUE_REMOVE] = "DELETE FROM queue WHERE destination=?1 AND due=?2 AND delivery=?3",
	[ST_QUEUE_PAGE] = "SELECT q.due,q.delivery,d.target,d.attempts FROM queue q"
			  " JOIN delivery d ON d.id=q.delivery"
			  " WHERE q.destination=?1 AND (q.due,q.delivery)>(?2,?3)"
			  " ORDER BY q.due,q.delivery LIMIT ?4",
	[ST_QUEUE_FIRST] = "SELECT due FROM queue WHERE destination=?1 ORDER BY due LIMIT 1",
	[ST_QUEUE_DUE_OF] = "SELECT due FROM queue WHERE destination=?1 AND delivery=?2",
	[ST_RARE_ADD] = "INSERT OR IGNORE INTO rare(destination,state,delivery) VALUES(?1,?2,?3)",
	[ST_RARE_REMOVE] = "DELETE FROM rare WHERE destination=?1 AND state=?2 AND delivery=?3",
	[ST_RARE_PAGE] = "SELECT r.delivery,d.target FROM rare r JOIN delivery d ON d.id=r.delivery"
			 " WHERE r.destination=?1 AND r.state=?2 AND r.delivery>?3"
			 " ORDER BY r.delivery LIMIT ?4",
	[ST_RARE_OLDER] = "SELECT delivery FROM rare WHERE destination=?1 AND state=?2"
			  " AND delivery<?3 ORDER BY delivery DESC LIMIT 1",

	[ST_SEEN_FIND] = "SELECT proof,event,fingerprint,events FROM seen WHERE hash=?1",
	[ST_SEEN_ADD] = "INSERT INTO seen(hash,proof,event,fingerprint,events)"
			" VALUES(?1,?2,?3,?4,?5)",
	[ST_SEEN_REPLACE] = "UPDATE seen SET event=?3,fingerprint=?4,events=?5"
			    " WHERE hash=?1 AND proof=?2",
	[ST_SEEN_PAGE] = "SELECT hash,event,events FROM seen WHERE hash>=?1 ORDER BY hash LIMIT ?2",
	[ST_SEEN_REMOVE] = "DELETE FROM seen WHERE hash=?1",
	[ST_MARK_ADD] = "INSERT OR IGNORE INTO mark(chain,hour,first) VALUES(?1,?2,?3)",
	[ST_MARK_CHAIN] = "SELECT chain FROM mark WHERE chain>?1 ORDER BY chain LIMIT 1",
	[ST_MARKS_REMOVE] = "DELETE FROM mark WHERE chain=?1 AND hour IN (SELECT hour FROM mark"
			    " WHERE chain=?1 AND hour<?2 ORDER BY hour LIMIT ?3)",
	[ST_MARK_AFTER] = "SELECT first FROM mark WHERE chain=?1 AND hour>?2"
			  " ORDER BY hour LIMIT 1",

	[ST_SWEEP_ADD] = "INSERT INTO sweep(destination,target,action,before)"
			 " VALUES(?1,?2,?3,?4)",
	[ST_SWEEP_REMOVE] = "DELETE FROM sweep WHERE id=?1",
	[ST_SWEEPS] = "SELECT id,destination,target,action,before FROM sweep ORDER BY id",

	[ST_AUDIT_DELIVERIES] = "SELECT id,destination,state,prev,target,done_at IS NOT NULL"
				" FROM delivery WHERE id>?1"
				" ORDER BY id LIMIT ?2",
	[ST_AUDIT_EVENTS] = "SELECT id,organization,fanout,prev FROM event WHERE id>0 ORDER BY id",
	[ST_AUDIT_QUEUE] = "SELECT destination,due,delivery FROM queue"
			   " WHERE (destination,due,delivery)>(?1,?2,?3)"
			   " ORDER BY destination,due,delivery LIMIT ?4",
	[ST_AUDIT_RARE] = "SELECT destination,state,delivery FROM rare"
			  " WHERE (destination,state,delivery)>(?1,?2,?3)"
			  " ORDER BY destination,state,delivery LIMIT ?4",
	[ST_AUDIT_TARGETS] = "SELECT id,channel FROM target WHERE id>?1 ORDER BY id",
	[ST_AUDIT_ATTEMPTS] = "SELECT delivery,number FROM attempt"
			      " WHERE (delivery,number)>(?1,?2) ORDER BY delivery,number LIMIT ?3",
	[ST_AUDIT_MARKS] = "SELECT chain,hour,first FROM mark WHERE (chain,hour)>(?1,?2)"
			   " ORDER BY chain,hour LIMIT ?3",
	[ST_AUDIT_DELIVERY] = "SELECT attempts FROM delivery WHERE id=?1",

	[ST_AUDIT_CHANNEL_DESTINATION] =
		"SELECT c.id FROM channel c LEFT JOIN destination y ON y.id=c.id"
		" WHERE y.id IS NULL OR y.webhook<>c.webhook",
	[ST_AUDIT_DESTINATION_CHANNEL] =
		"SELECT y.id FROM destination y LEFT JOIN channel c ON c.id=y.id"
		" WHERE c.id IS NULL",
	[ST_AUDIT_DESTINATION_WEBHOOK] =
		"SELECT y.id FROM destination y LEFT JOIN webhook w ON w.id=y.webhook"
		" WHERE w.id IS NULL OR w.organization<>y.organization",
	[ST_AUDIT_CHANNEL_REMOVED] =
		"SELECT c.id FROM channel c LEFT JOIN webhook w ON w.id=c.webhook"
		" WHERE w.id IS NULL OR (w.removed_at<>0 AND c.removed_at=0)",
	[ST_AUDIT_TARGET_CHANNEL] =
		"SELECT x.id FROM target x LEFT JOIN channel c ON c.id=x.channel"
		" WHERE c.id IS NULL",
	[ST_AUDIT_WEBHOOK_ORGANIZATION] =
		"SELECT w.id FROM webhook w LEFT JOIN organization o ON o.id=w.organization"
		" WHERE o.id IS NULL",
	[ST_AUDIT_SECRET_WEBHOOK] = "SELECT x.webhook FROM secret x LEFT JOIN webhook w"
				    " ON w.id=x.webhook WHERE w.id IS NULL OR w.removed_at<>0",
	[ST_AUDIT_ERROR_WEBHOOK] = "SELECT x.webhook FROM webhook_error x LEFT JOIN webhook w"
				   " ON w.id=x.webhook WHERE w.id IS NULL",
	[ST_AUDIT_KEY_ORGANIZATION] =
		"SELECT k.id FROM api_key k LEFT JOIN organization o ON o.id=k.organization"
		" WHERE o.id IS NULL",
	[ST_AUDIT_HEAD_ORGANIZATION] =
		"SELECT x.organization FROM organization_head x LEFT JOIN organization o"
		" ON o.id=x.organization WHERE o.id IS NULL",
	[ST_AUDIT_SWEEP] = "SELECT x.id FROM sweep x LEFT JOIN destination y ON y.id=x.destination"
			   " WHERE y.id IS NULL OR x.action NOT BETWEEN 1 AND 4",
};

const char *statement_sql(enum statement st)
{
	return sql[st];
}
