{{/* The objects of Jaeger. */}}

{{- define "onetrace.jaeger.deployment" }}
{{- $badger := eq .v.storage.type "badger" }}
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
  strategy:
    {{- if eq .v.storage.type "external" }}
    {{- include "onetrace.rollingUpdate" . | nindent 4 }}
    {{- else }}
    # Two pods would each store a part of the traces, so the old pod stops first.
    type: Recreate
    {{- end }}
  template:
    {{- $checksums := dict "checksum/config" (include "onetrace.jaeger.files" . | sha256sum) }}
    {{- include "onetrace.podMetadata" (merge (dict "checksums" $checksums) .) | nindent 4 }}
    spec:
      {{- include "onetrace.podSpec" . | nindent 6 }}
      {{- include "onetrace.topologySpread" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .v.terminationGracePeriodSeconds }}
      containers:
        - name: jaeger
          {{- include "onetrace.container" . | nindent 10 }}
          args:
            - --config=/etc/jaeger/jaeger.yaml
            {{- if $badger }}
            - --config=/etc/jaeger/jaeger-badger.yaml
            {{- else if eq .v.storage.type "external" }}
            - --config=/etc/jaeger/storage.yaml
            {{- end }}
            {{- if .v.config }}
            - --config=/etc/jaeger/values.yaml
            {{- end }}
          {{- $env := include "onetrace.jaeger.env" . | fromYamlArray }}
          {{- include "onetrace.env" (dict "env" $env "v" .v) | nindent 10 }}
          ports:
            - name: otlp-grpc
              containerPort: 4317
            - name: otlp-http
              containerPort: 4318
            - name: query
              containerPort: 16686
            - name: query-grpc
              containerPort: 16685
            - name: health
              containerPort: 13133
            - name: metrics
              containerPort: 8888
          {{- include "onetrace.preStop" . | nindent 10 }}
          startupProbe:
            httpGet: {path: /status, port: health}
            periodSeconds: 1
            failureThreshold: 120
          readinessProbe:
            httpGet: {path: /status, port: health}
            periodSeconds: 5
            failureThreshold: 2
          {{- include "onetrace.liveness" . | nindent 10 }}
          volumeMounts:
            - name: config
              mountPath: /etc/jaeger
              readOnly: true
            {{- if $badger }}
            - name: traces
              mountPath: /var/lib/jaeger
            {{- end }}
            {{- with .v.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- with .v.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ include "onetrace.name" . | quote }}
        {{- if $badger }}
        - name: traces
          persistentVolumeClaim:
            claimName: {{ .v.storage.badger.persistence.existingClaim | default (include "onetrace.name" .) | quote }}
        {{- end }}
        {{- with .v.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}

{{/* The variables that the configuration files refer to. */}}
{{- define "onetrace.jaeger.env" -}}
- name: LISTEN_HOST
  value: {{ .root.Values.listenHost | quote }}
{{- with (.v.resources.limits | default dict).memory }}
- name: GOMEMLIMIT
  value: {{ include "onetrace.goMemoryLimit" . | quote }}
{{- end }}
- name: HEALTH_PORT
  value: "13133"
- name: JAEGER_BASE_PATH
  value: {{ .v.basePath | quote }}
- name: JAEGER_MAX_TRACES
  value: {{ .v.storage.memory.maxTraces | int | quote }}
- name: JAEGER_RETENTION
  value: {{ .v.storage.badger.retention | quote }}
- name: JAEGER_STORAGE
  value: {{ .v.storage.type | quote }}
- name: METRICS_PORT
  value: "8888"
# Without it, Jaeger would trace its own requests.
- name: OTEL_TRACES_SAMPLER
  value: always_off
- name: OTLP_GRPC_PORT
  value: "4317"
- name: OTLP_HTTP_PORT
  value: "4318"
{{- end }}

{{- define "onetrace.jaeger.config" }}
---
apiVersion: v1
kind: ConfigMap
{{ include "onetrace.metadata" . }}
data: {{- include "onetrace.jaeger.files" . | trim | nindent 2 }}
{{- end }}

{{/* The configuration files. Their checksum is an annotation of the pods, so that a change replaces them. */}}
{{- define "onetrace.jaeger.files" -}}
jaeger.yaml: |
  {{- .root.Files.Get "files/jaeger.yaml" | trim | nindent 2 }}
{{- if eq .v.storage.type "badger" }}
jaeger-badger.yaml: |
  {{- .root.Files.Get "files/jaeger-badger.yaml" | trim | nindent 2 }}
{{- else if eq .v.storage.type "external" }}
storage.yaml: |
  extensions:
    jaeger_storage:
      backends:
        external: {{- toYaml .v.storage.external.backend | nindent 10 }}
{{- end }}
{{- with .v.config }}
values.yaml: |
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "onetrace.jaeger.service" }}
---
apiVersion: v1
kind: Service
{{ include "onetrace.metadata" (merge (dict "annotations" .v.service.annotations) .) }}
spec:
  {{- include "onetrace.serviceSpec" . | nindent 2 }}
  type: ClusterIP
  selector: {{- include "onetrace.selector" . | nindent 4 }}
  ports:
    - name: query
      port: 16686
      targetPort: query
      appProtocol: http
    - name: query-grpc
      port: 16685
      targetPort: query-grpc
      appProtocol: grpc
    - name: otlp-grpc
      port: 4317
      targetPort: otlp-grpc
      appProtocol: grpc
    - name: otlp-http
      port: 4318
      targetPort: otlp-http
      appProtocol: http
    - name: metrics
      port: 8888
      targetPort: metrics
{{- end }}

{{- define "onetrace.jaeger.volume" -}}
{{- if eq .v.storage.type "badger" }}
{{- with .v.storage.badger.persistence }}
{{- if not .existingClaim }}
---
apiVersion: v1
kind: PersistentVolumeClaim
{{ include "onetrace.metadata" $ }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .storageClassName }}
  storageClassName: {{ . | quote }}
  {{- end }}
  resources:
    requests:
      storage: {{ include "onetrace.text" .size | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Spans from the Collector; queries from the test, an Ingress or an HTTPRoute; scrapes; the external store. */}}
{{- define "onetrace.jaeger.networkPolicy" }}
{{- $values := .root.Values }}
{{- $ingress := list }}
{{- if $values.collector.enabled }}
{{- $exporter := ternary "sampler" "collector" $values.collector.tailSampling.enabled }}
{{- $ingress = append $ingress (dict "components" (list $exporter) "ports" (list 4317)) }}
{{- end }}
{{- if or .v.ingress.enabled .v.httpRoute.enabled }}
{{- $peers := .v.networkPolicy.publicFrom | default $values.networkPolicy.publicFrom }}
{{- /* Without peers, the rule allows any address, and so the test too. */}}
{{- $components := ternary (list "test") list (not (empty $peers)) }}
{{- $ingress = append $ingress (dict "peers" $peers "components" $components "ports" (list 16686)) }}
{{- else if $values.test.enabled }}
{{- $ingress = append $ingress (dict "components" (list "test") "ports" (list 16686)) }}
{{- end }}
{{- if $values.serviceMonitor.enabled }}
{{- $ingress = append $ingress (dict "peers" $values.networkPolicy.metricsFrom "ports" (list 8888)) }}
{{- end }}
{{- $egress := list }}
{{- if eq .v.storage.type "external" }}
{{- $egress = append $egress (dict "peers" .v.storage.external.to "ports" (include "onetrace.jaeger.storePorts" .v.storage.external | fromYamlArray)) }}
{{- end }}
{{- include "onetrace.networkPolicy" (merge (dict "ingress" $ingress "egress" $egress) .) }}
{{- end }}
