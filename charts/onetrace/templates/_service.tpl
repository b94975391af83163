{{/* The objects of one service. */}}

{{- define "onetrace.service.deployment" }}
{{- $drain := .v.drain }}
---
apiVersion: apps/v1
kind: Deployment
{{ include "onetrace.metadata" . }}
spec:
  revisionHistoryLimit: {{ .v.revisionHistoryLimit }}
  {{- if not .v.autoscaling.enabled }}
  replicas: {{ .v.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "onetrace.selector" . | nindent 6 }}
  strategy: {{- include "onetrace.rollingUpdate" . | nindent 4 }}
  template:
    {{- $checksums := dict }}
    {{- with .v.files }}
    {{- $checksums = dict "checksum/files" (toYaml . | sha256sum) }}
    {{- end }}
    {{- include "onetrace.podMetadata" (merge (dict "checksums" $checksums) .) | nindent 4 }}
    spec:
      {{- include "onetrace.podSpec" . | nindent 6 }}
      {{- include "onetrace.topologySpread" . | nindent 6 }}
      # The drain, the export of the last spans, and a margin of 5 seconds.
      terminationGracePeriodSeconds: {{ add $drain.delaySeconds $drain.timeoutSeconds $drain.flushSeconds 5 }}
      containers:
        - name: {{ .name | quote }}
          {{- include "onetrace.container" . | nindent 10 }}
          {{- $env := include "onetrace.service.env" . | fromYamlArray }}
          {{- include "onetrace.env" (dict "env" $env "v" .v) | nindent 10 }}
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
        {{- with .v.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if or .v.files .v.extraVolumes }}
      volumes:
        {{- if .v.files }}
        - name: files
          configMap:
            name: {{ include "onetrace.name" . | printf "%s-files" | quote }}
        {{- end }}
        {{- with .v.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
{{- end }}

{{/* Later variables override earlier ones, so `env` and `otel` of the values come last. */}}
{{- define "onetrace.service.env" -}}
{{- $drain := .v.drain -}}
- name: ADMIN_ADDR
  value: "{{ .root.Values.listenHost }}:{{ .v.ports.admin }}"
- name: DRAIN_DELAY
  value: {{ $drain.delaySeconds | int }}s
- name: DRAIN_READY
  value: "true"
- name: DRAIN_TIMEOUT
  value: {{ $drain.timeoutSeconds | int }}s
- name: HTTP_ADDR
  value: "{{ .root.Values.listenHost }}:{{ .v.ports.http }}"
- name: SHUTDOWN_TIMEOUT
  value: {{ add $drain.delaySeconds $drain.timeoutSeconds $drain.flushSeconds }}s
{{- range $name, $call := .v.calls }}
{{- $callee := dict "root" $.root "name" $call.service }}
{{- $host := printf "%s%s" (include "onetrace.name" $callee) (ternary "-admin" "" (eq $call.port "admin")) }}
- name: {{ $name | quote }}
  value: http://{{ $host }}:{{ index (index $.services $call.service).ports $call.port }}
{{- end }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
{{- $otel := merge (dict
  "OTEL_EXPORTER_OTLP_ENDPOINT" (include "onetrace.otlpEndpoint" .)
  "OTEL_RESOURCE_ATTRIBUTES" (include "onetrace.service.resource" .)
  ) (include "onetrace.otel" . | fromYaml) (dict "OTEL_SERVICE_NAME" .name "TELEMETRY_STRICT" (ternary (get .v.env "TELEMETRY_STRICT") true (hasKey .v.env "TELEMETRY_STRICT"))) }}
{{- range $name, $value := $otel }}
- name: {{ $name | quote }}
  value: {{ include "onetrace.text" $value | quote }}
{{- end }}
{{- range $name, $value := omit .v.env "TELEMETRY_STRICT" }}
- name: {{ $name | quote }}
  value: {{ include "onetrace.text" $value | quote }}
{{- end }}
{{- end }}

{{/* The resource attributes of a service. The Collector uses the uid of the pod to look up its other k8s.* attributes. */}}
{{- define "onetrace.service.resource" -}}
{{- $otel := include "onetrace.otel" . | fromYaml -}}
service.namespace={{ include "onetrace.prefix" .root -}}
,service.version={{ include "onetrace.version" . -}}
,service.instance.id=$(POD_NAMESPACE).$(POD_NAME).{{ .name -}}
,k8s.pod.uid=$(POD_UID)
{{- with .root.Values.environment }},deployment.environment.name={{ . }}{{ end -}}
{{- with $otel.OTEL_RESOURCE_ATTRIBUTES }},{{ . }}{{ end -}}
{{- end }}

{{/* One Service for the API and one for the admin port, so that exposing the first never exposes the second. */}}
{{- define "onetrace.service.services" }}
---
apiVersion: v1
kind: Service
{{ include "onetrace.metadata" (merge (dict "annotations" .v.service.annotations) .) }}
spec:
  {{- include "onetrace.serviceSpec" . | nindent 2 }}
  type: {{ .v.service.type }}
  {{- if eq .v.service.type "LoadBalancer" }}
  {{- with .v.service.loadBalancerClass }}
  loadBalancerClass: {{ . | quote }}
  {{- end }}
  {{- with .v.service.loadBalancerSourceRanges }}
  loadBalancerSourceRanges: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
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
  {{- include "onetrace.serviceSpec" . | nindent 2 }}
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

{{/* Calls from other services and the public; scrapes; calls to other services; spans to the Collector. */}}
{{- define "onetrace.service.networkPolicy" }}
{{- $values := .root.Values }}
{{- $callers := .v.callers }}

{{- $ingress := list }}
{{- if or .v.public .v.ingress.enabled .v.httpRoute.enabled }}
{{- $peers := .v.networkPolicy.publicFrom | default $values.networkPolicy.publicFrom }}
{{- /* Without peers, the rule allows any address, and so the callers and the test too. */}}
{{- $components := list }}
{{- if $peers }}{{ $components = append $callers.http "test" | uniq }}{{ end }}
{{- $ingress = append $ingress (dict "peers" $peers "components" $components "ports" (list .v.ports.http)) }}
{{- else if $callers.http }}
{{- $ingress = append $ingress (dict "components" $callers.http "ports" (list .v.ports.http)) }}
{{- end }}
{{- $scrapers := ternary $values.networkPolicy.metricsFrom list $values.serviceMonitor.enabled }}
{{- if or $callers.admin $scrapers }}
{{- $ingress = append $ingress (dict "peers" $scrapers "components" $callers.admin "ports" (list .v.ports.admin)) }}
{{- end }}

{{- $egress := list }}
{{- range .v.calls }}
{{- $callee := index $.services .service }}
{{- $egress = append $egress (dict "components" (list .service) "ports" (list (index $callee.ports .port))) }}
{{- end }}
{{- with include "onetrace.service.endpoint" . }}
{{- $otlp := include "onetrace.hostPort" . | fromYaml }}
{{- $collector := printf "%s-collector" (include "onetrace.prefix" $.root) }}
{{- $inNamespace := printf "%s.%s" $collector $.root.Release.Namespace }}
{{- if and $values.collector.enabled (or (eq $otlp.host $collector $inNamespace) (hasPrefix (printf "%s.svc" $inNamespace) $otlp.host)) }}
{{- $egress = append $egress (dict "components" (list "collector") "ports" (list $otlp.port)) }}
{{- else if $otlp.port }}
{{- $egress = append $egress (dict "peers" $values.networkPolicy.otlpTo "ports" (list $otlp.port)) }}
{{- end }}
{{- end }}
{{- include "onetrace.networkPolicy" (merge (dict "ingress" $ingress "egress" $egress) .) }}
{{- end }}
