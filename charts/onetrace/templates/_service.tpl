{{/* The objects of one service. */}}

{{- define "onetrace.service.deployment" }}
{{- $drain := include "onetrace.drain" . | fromYaml }}
---
apiVersion: apps/v1
kind: Deployment
{{ include "onetrace.metadata" . }}
spec:
  {{- if not .v.autoscaling.enabled }}
  replicas: {{ .v.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "onetrace.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  template:
    {{- $checksums := dict }}
    {{- with .v.files }}
    {{- $checksums = dict "checksum/files" (toYaml . | sha256sum) }}
    {{- end }}
    {{- include "onetrace.podMetadata" (merge (dict "checksums" $checksums) .) | nindent 4 }}
    spec:
      {{- include "onetrace.podSpec" . | nindent 6 }}
      {{- include "onetrace.topologySpread" . | nindent 6 }}
      # The whole of drain and flush, and a margin.
      terminationGracePeriodSeconds: {{ add $drain.delaySeconds $drain.timeoutSeconds $drain.flushSeconds 5 }}
      containers:
        - name: {{ .name | quote }}
          {{- include "onetrace.container" . | nindent 10 }}
          {{- include "onetrace.service.env" . | nindent 10 }}
          ports:
            - name: http
              containerPort: {{ .v.ports.http }}
            - name: admin
              containerPort: {{ .v.ports.admin }}
          startupProbe:
            httpGet: {path: /livez, port: admin}
            {{- toYaml .v.probes.startup | nindent 12 }}
          readinessProbe:
            httpGet: {path: /readyz, port: admin}
            {{- toYaml .v.probes.readiness | nindent 12 }}
          livenessProbe:
            httpGet: {path: /livez, port: admin}
            {{- toYaml .v.probes.liveness | nindent 12 }}
          {{- if or .v.files .v.extraVolumeMounts }}
          volumeMounts:
            {{- if .v.files }}
            - name: files
              mountPath: /etc/onetrace
              readOnly: true
            {{- end }}
            {{- with .v.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- end }}
      {{- if or .v.files .v.extraVolumes }}
      volumes:
        {{- if .v.files }}
        - name: files
          configMap:
            name: {{ include "onetrace.name" . }}-files
        {{- end }}
        {{- with .v.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
{{- end }}

{{- define "onetrace.service.env" -}}
{{- $v := .v }}
{{- $root := .root }}
{{- $otel := include "onetrace.otel" . | fromYaml }}
{{- $drain := include "onetrace.drain" . | fromYaml }}
{{- $env := list }}
{{- range $name, $value := dict
  "HTTP_ADDR" (printf "%s:%d" .root.Values.listenHost (int $v.ports.http))
  "ADMIN_ADDR" (printf "%s:%d" .root.Values.listenHost (int $v.ports.admin))
  "DRAIN_DELAY" (printf "%ds" (int $drain.delaySeconds))
  "DRAIN_READY" "true"
  "DRAIN_TIMEOUT" (printf "%ds" (int $drain.timeoutSeconds))
  "SHUTDOWN_TIMEOUT" (printf "%ds" (add $drain.delaySeconds $drain.timeoutSeconds $drain.flushSeconds))
}}
{{- $env = append $env (dict "name" $name "value" $value) }}
{{- end }}
{{- range $name, $call := $v.calls }}
{{- $callee := dict "root" $root "name" $call.service }}
{{- $port := index (include "onetrace.service" $callee | fromYaml).ports $call.port }}
{{- $host := printf "%s%s" (include "onetrace.name" $callee) (ternary "-admin" "" (eq $call.port "admin")) }}
{{- $env = append $env (dict "name" $name "value" (printf "http://%s:%d" $host (int $port))) }}
{{- end }}
{{- range $name, $field := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_UID" "metadata.uid" }}
{{- $env = append $env (dict "name" $name "valueFrom" (dict "fieldRef" (dict "fieldPath" $field))) }}
{{- end }}
{{- range $name, $value := merge (dict
  "OTEL_EXPORTER_OTLP_ENDPOINT" (include "onetrace.otlpEndpoint" .)
  "OTEL_RESOURCE_ATTRIBUTES" (include "onetrace.service.resource" .)
  ) $otel (dict "OTEL_SERVICE_NAME" .name) }}
{{- $env = append $env (dict "name" $name "value" (include "onetrace.text" $value)) }}
{{- end }}
{{- range $name, $value := $v.env }}
{{- $env = append $env (dict "name" $name "value" (include "onetrace.text" $value)) }}
{{- end }}
{{- include "onetrace.env" (dict "env" $env "v" $v) }}
{{- end }}

{{/* What the pod knows of itself; the Collector looks up the rest by the pod's uid. */}}
{{- define "onetrace.service.resource" -}}
{{- $otel := include "onetrace.otel" . | fromYaml -}}
service.namespace={{ include "onetrace.prefix" .root -}}
,service.version={{ include "onetrace.version" . -}}
,service.instance.id=$(POD_NAMESPACE).$(POD_NAME).{{ .name -}}
,k8s.pod.uid=$(POD_UID)
{{- with .root.Values.environment }},deployment.environment.name={{ . }}{{ end -}}
{{- with $otel.OTEL_RESOURCE_ATTRIBUTES }},{{ . }}{{ end -}}
{{- end }}

{{/* Two Services, so that the internal API is never where the public one is. */}}
{{- define "onetrace.service.services" }}
---
apiVersion: v1
kind: Service
{{ include "onetrace.metadata" (merge (dict "annotations" .v.service.annotations) .) }}
spec:
  type: {{ .v.service.type }}
  selector: {{- include "onetrace.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ .v.ports.http }}
      targetPort: http
      appProtocol: http
---
apiVersion: v1
kind: Service
{{ include "onetrace.metadata" (merge (dict "suffix" "admin") .) }}
spec:
  type: ClusterIP
  selector: {{- include "onetrace.selector" . | nindent 4 }}
  ports:
    - name: admin
      port: {{ .v.ports.admin }}
      targetPort: admin
      appProtocol: http
{{- end }}

{{- define "onetrace.service.files" -}}
{{- with .v.files }}
---
apiVersion: v1
kind: ConfigMap
{{ include "onetrace.metadata" (merge (dict "suffix" "files") $) }}
data: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The edges of a service: who calls it, whom it calls, where its spans go. */}}
{{- define "onetrace.service.networkPolicy" }}
{{- $part := . }}
{{- $values := .root.Values }}
{{- $ingress := list }}
{{- $callers := dict "http" list "admin" list }}
{{- range $name, $_ := $values.services }}
{{- $caller := include "onetrace.service" (dict "root" $part.root "name" $name) | fromYaml }}
{{- range $caller.calls }}
{{- if and $caller.enabled (eq .service $part.name) }}
{{- $_ := set $callers .port (append (index $callers .port) $name | uniq) }}
{{- end }}
{{- end }}
{{- end }}
{{- if or .v.public .v.ingress.enabled .v.httpRoute.enabled }}
{{- $peers := $values.networkPolicy.publicFrom }}
{{- $parts := list }}
{{- if $peers }}{{ $parts = append $callers.http "test" | uniq }}{{ end }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "peers" $peers "parts" $parts "ports" (list .v.ports.http)) | fromYaml) }}
{{- else if $callers.http }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "parts" $callers.http "ports" (list .v.ports.http)) | fromYaml) }}
{{- end }}
{{- $scrapers := ternary $values.networkPolicy.metricsFrom list $values.serviceMonitor.enabled }}
{{- if or $callers.admin $scrapers }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "peers" $scrapers "parts" $callers.admin "ports" (list .v.ports.admin)) | fromYaml) }}
{{- end }}
{{- $egress := list }}
{{- range .v.calls }}
{{- $callee := include "onetrace.service" (dict "root" $part.root "name" .service) | fromYaml }}
{{- $egress = append $egress (include "onetrace.rule" (dict "root" $part.root "side" "to" "parts" (list .service) "ports" (list (index $callee.ports .port))) | fromYaml) }}
{{- end }}
{{- $otlp := include "onetrace.otlpEndpoint" . }}
{{- $hostPort := include "onetrace.hostPort" $otlp | fromYaml }}
{{- $ownCollector := and $values.collector.enabled (eq $hostPort.host (printf "%s-collector" (include "onetrace.prefix" .root))) }}
{{- $egress = append $egress (include "onetrace.rule" (dict "root" .root "side" "to" "parts" (ternary (list "collector") list $ownCollector) "ports" (list $hostPort.port)) | fromYaml) }}
{{- include "onetrace.networkPolicy" (merge (dict "ingress" $ingress "egress" $egress) .) }}
{{- end }}
