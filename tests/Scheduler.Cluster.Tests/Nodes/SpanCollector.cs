using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>A span as a collector is sent it.</summary>
/// <param name="Node">Name of the node, which is the service's instance.</param>
/// <param name="Name">The span's name.</param>
/// <param name="Trace">Its trace's id, hexadecimal.</param>
/// <param name="Id">Its own.</param>
/// <param name="Parent">Its parent's; empty: it has none.</param>
/// <param name="Tags">Its attributes that are texts or whole numbers.</param>
internal sealed record ReceivedSpan(string Node, string Name, string Trace, string Id, string Parent, IReadOnlyDictionary<string, string> Tags);

/// <summary>A collector of spans: takes OTLP over HTTP, as protocol buffers.</summary>
internal sealed class SpanCollector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();

    /// <param name="port">A free one of this machine.</param>
    public SpanCollector(int port)
    {
        Endpoint = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add(Endpoint + "/");
        _listener.Start();
        _ = ServeAsync();
    }

    /// <summary>For <c>telemetry.otlp-endpoint</c>.</summary>
    public string Endpoint { get; }

    /// <summary>What has come so far.</summary>
    public ReceivedSpan[] Spans => [.. _spans];

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                using MemoryStream body = new();
                await context.Request.InputStream.CopyToAsync(body);
                if (context.Request.Url!.AbsolutePath == "/v1/traces")
                    Take(body.ToArray());
                context.Response.ContentType = "application/x-protobuf";
                context.Response.Close();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or IOException)
            {
                // A node has ended, or the test is over.
            }
        }
    }

    // opentelemetry/proto/trace/v1/trace.proto
    private void Take(byte[] request)
    {
        foreach (byte[] resourceSpans in Parts(request, 1))
        {
            string node = Parts(resourceSpans, 1).SelectMany(resource => Tags(resource, 1)).FirstOrDefault(tag => tag.Key == "service.instance.id").Value ?? "";
            foreach (byte[] span in Parts(resourceSpans, 2).SelectMany(scopeSpans => Parts(scopeSpans, 2)))
            {
                _spans.Enqueue(new ReceivedSpan(
                    node,
                    Text(span, 5),
                    Hex(span, 1),
                    Hex(span, 2),
                    Hex(span, 4),
                    Tags(span, 9).ToDictionary()));
            }
        }
    }

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Parts(message, field).FirstOrDefault() ?? []);

    private static string Text(byte[] message, int field) => Encoding.UTF8.GetString(Parts(message, field).FirstOrDefault() ?? []);

    // KeyValue { key = 1, value = 2 }, AnyValue { string_value = 1, int_value = 3 }
    private static IEnumerable<KeyValuePair<string, string>> Tags(byte[] message, int field) =>
        from tag in Parts(message, field)
        let value = Parts(tag, 2).FirstOrDefault() ?? []
        select KeyValuePair.Create(Text(tag, 1), Parts(value, 3) is [{ } number] ? Encoding.UTF8.GetString(number) : Text(value, 1));

    // The fields of one number that are messages, texts or bytes; or whole numbers, as texts.
    private static List<byte[]> Parts(byte[] message, int field)
    {
        List<byte[]> parts = [];
        for (int at = 0; at < message.Length;)
        {
            ulong tag = Varint(message, ref at);
            switch (tag & 7)
            {
                case 0:
                    ulong number = Varint(message, ref at);
                    if ((int)(tag >> 3) == field)
                        parts.Add(Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)));
                    break;
                case 1:
                    at += sizeof(ulong);
                    break;
                case 2:
                    int length = (int)Varint(message, ref at);
                    if ((int)(tag >> 3) == field)
                        parts.Add(message[at..(at + length)]);
                    at += length;
                    break;
                case 5:
                    at += sizeof(uint);
                    break;
                default:
                    throw new InvalidDataException($"wire type {tag & 7}");
            }
        }

        return parts;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
    }
}
