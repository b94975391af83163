{{/* The objects of Jaeger. */}}

{{- define "onetrace.jaeger.deployment" }}
{{- $badger := eq .v.storage.type "badger" }}
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
    {{- if eq .v.storage.type "external" }}
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
    {{- else }}
    # The store belongs to one pod: two would each have a part of the traces.
    type: Recreate
    {{- end }}
  template:
    {{- $checksums := dict "checksum/config" (include "onetrace.jaeger.config" . | sha256sum) }}
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
          {{- include "onetrace.jaeger.env" . | nindent 10 }}
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
          {{- with .v.preStopSeconds }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ . }}
          {{- end }}
          startupProbe:
            httpGet: {path: /status, port: health}
            periodSeconds: 1
            failureThreshold: 120
          readinessProbe:
            httpGet: {path: /status, port: health}
            periodSeconds: 5
            failureThreshold: 2
          livenessProbe:
            httpGet: {path: /status, port: health}
            periodSeconds: 10
            failureThreshold: 3
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
      volumes:
        - name: config
          configMap:
            name: {{ include "onetrace.name" . }}
        {{- if $badger }}
        - name: traces
          persistentVolumeClaim:
            claimName: {{ .v.storage.badger.persistence.existingClaim | default (include "onetrace.name" .) }}
        {{- end }}
        {{- with .v.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}

{{- define "onetrace.jaeger.env" -}}
{{- $env := list (dict "name" "LISTEN_HOST" "value" .root.Values.listenHost) }}
{{- with (.v.resources.limits | default dict).memory }}
{{- $env = append $env (dict "name" "GOMEMLIMIT" "value" (include "onetrace.goMemoryLimit" .)) }}
{{- end }}
{{- range $name, $value := dict
  "OTLP_GRPC_PORT" "4317"
  "OTLP_HTTP_PORT" "4318"
  "HEALTH_PORT" "13133"
  "METRICS_PORT" "8888"
  "JAEGER_BASE_PATH" .v.basePath
  "JAEGER_STORAGE" .v.storage.type
  "JAEGER_MAX_TRACES" (printf "%d" (int .v.storage.memory.maxTraces))
  "JAEGER_RETENTION" .v.storage.badger.retention
  "OTEL_TRACES_SAMPLER" "always_off"
}}
{{- $env = append $env (dict "name" $name "value" $value) }}
{{- end }}
{{- include "onetrace.env" (dict "env" $env "v" .v) }}
{{- end }}

{{- define "onetrace.jaeger.config" }}
---
apiVersion: v1
kind: ConfigMap
{{ include "onetrace.metadata" . }}
data:
  jaeger.yaml: |
    {{- .root.Files.Get "files/jaeger.yaml" | trim | nindent 4 }}
  {{- if eq .v.storage.type "badger" }}
  jaeger-badger.yaml: |
    {{- .root.Files.Get "files/jaeger-badger.yaml" | trim | nindent 4 }}
  {{- else if eq .v.storage.type "external" }}
  storage.yaml: |
    extensions:
      jaeger_storage:
        backends:
          external: {{- toYaml .v.storage.external.backend | nindent 12 }}
  {{- end }}
  {{- with .v.config }}
  values.yaml: |
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "onetrace.jaeger.service" }}
---
apiVersion: v1
kind: Service
{{ include "onetrace.metadata" (merge (dict "annotations" .v.service.annotations) .) }}
spec:
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
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .size }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "onetrace.jaeger.networkPolicy" }}
{{- $values := .root.Values }}
{{- $ingress := list }}
{{- if $values.collector.enabled }}
{{- $exporter := ternary "sampler" "collector" $values.collector.tailSampling.enabled }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "parts" (list $exporter) "ports" (list 4317)) | fromYaml) }}
{{- end }}
{{- if or .v.ingress.enabled .v.httpRoute.enabled }}
{{- $peers := $values.networkPolicy.publicFrom }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "peers" $peers "parts" (ternary (list "test") list (not (empty $peers))) "ports" (list 16686)) | fromYaml) }}
{{- else if $values.test.enabled }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "parts" (list "test") "ports" (list 16686)) | fromYaml) }}
{{- end }}
{{- if $values.serviceMonitor.enabled }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "peers" $values.networkPolicy.metricsFrom "ports" (list 8888)) | fromYaml) }}
{{- end }}
{{- $egress := list }}
{{- if eq .v.storage.type "external" }}
{{- $egress = append $egress (include "onetrace.rule" (dict "root" .root "side" "to" "ports" (list .v.storage.external.port)) | fromYaml) }}
{{- end }}
{{- include "onetrace.networkPolicy" (merge (dict "ingress" $ingress "egress" $egress) .) }}
{{- end }}
