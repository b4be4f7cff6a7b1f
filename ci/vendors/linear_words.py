"""What is asked of Linear, in GraphQL.

Each connection says how many it wants at most: Linear counts 50 where none does, multiplies what is inside by it, and
refuses what comes to more than 10,000: https://linear.app/developers/rate-limiting.
"""

from __future__ import annotations

import json

LABELS = 20  # of an issue
PAGE = 50
ENDED = ("completed", "canceled", "duplicate")  # types of states in which nothing is to be done any more

ISSUE = f"""
  id identifier title description url trashed archivedAt
  state {{ id name type }}
  labels(first: {LABELS}) {{ nodes {{ id name }} }}
"""
ORGANIZATION = "query { organization { id name urlKey } viewer { id name email } }"
TEAM = "query($key: String!) { teams(first: 1, filter: {key: {eq: $key}}) { nodes { id key name } } }"
STATES = f"""
query($team: ID!, $after: String) {{
  workflowStates(first: {PAGE}, after: $after, filter: {{team: {{id: {{eq: $team}}}}}}) {{
    nodes {{ id name type }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
LABEL = f"""
query($name: String!, $after: String) {{
  issueLabels(first: {PAGE}, after: $after, filter: {{name: {{eq: $name}}}}) {{
    nodes {{ id name team {{ id }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
FIND = f"query($id: String!) {{ issue(id: $id) {{ {ISSUE} }} }}"
COMMENT = "query($id: String!) { comment(id: $id) { id body url } }"
LINKED = f"""
query($url: String!, $after: String) {{
  attachmentsForURL(first: {PAGE}, after: $after, url: $url) {{
    nodes {{ issue {{ {ISSUE} }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
OPEN = f"""
query($team: ID!, $label: String!, $after: String) {{
  issues(first: {PAGE}, after: $after, filter: {{
    team: {{id: {{eq: $team}}}}, labels: {{name: {{eq: $label}}}}, state: {{type: {{nin: {json.dumps(ENDED)}}}}}
  }}) {{
    nodes {{ {ISSUE} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
CREATE = f"mutation($input: IssueCreateInput!) {{ issueCreate(input: $input) {{ success issue {{ {ISSUE} }} }} }}"
UPDATE = f"""
mutation($id: String!, $input: IssueUpdateInput!) {{
  issueUpdate(id: $id, input: $input) {{ success issue {{ {ISSUE} }} }}
}}
"""
SAY = "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { success comment { id body url } } }"
ADD_LABEL = """
mutation($input: IssueLabelCreateInput!) {
  issueLabelCreate(input: $input) { success issueLabel { id name team { id } } }
}
"""
LINK = """
mutation($issue: String!, $url: String!, $title: String!, $id: String!) {
  attachmentLinkURL(issueId: $issue, url: $url, title: $title, id: $id) { success attachment { id url } }
}
"""
