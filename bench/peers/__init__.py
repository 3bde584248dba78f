"""What a user would pick instead, fed the same events in the same run. SPDX-License-Identifier: Apache-2.0"""
from peers import duckdb_files, kafka, opensearch, postgres, sqlite, victorialogs

# Each takes the Run and returns its results; peers.corpus.Skip says why one is left out.
ALL = {"sqlite": sqlite.measure, "postgres": postgres.measure, "kafka": kafka.measure,
       "opensearch": opensearch.measure, "victorialogs": victorialogs.measure, "duckdb": duckdb_files.measure}
