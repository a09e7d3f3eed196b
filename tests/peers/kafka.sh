#!/usr/bin/env bash
# The broker of the Kafka tests: its jars, from Maven Central, into the user's cache folder, once. Prints the folder.
set -euo pipefail
version=3.9.1
folder=${XDG_CACHE_HOME:-$HOME/.cache}/obs-tests/kafka-$version
[ -d "$folder/lib" ] || {
  part=$folder.part.$$
  trap 'rm -rf "$part"' EXIT
  mkdir -p "$part"
  cat >"$part/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>obs</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
  (cd "$part" && mvn --batch-mode --quiet dependency:copy-dependencies -DoutputDirectory=lib >&2)
  mv "$part" "$folder" 2>/dev/null || [ -d "$folder/lib" ]
}
echo "$folder"
