using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;
using Scheduler.Host.Running;

namespace Scheduler.Host.Tests.Api;

/// <summary>The OpenAPI document: valid, complete, and every route in it answers.</summary>
public sealed partial class ApiDocumentTests
{
    [Fact]
    public async Task It_is_valid_and_says_what_bodies_are()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        string text = (await host.Send("GET", "/openapi.json")).Text;
        using MemoryStream bytes = new(Encoding.UTF8.GetBytes(text));
        ReadResult read = OpenApiDocument.Load(bytes, OpenApiConstants.Json);
        Assert.Empty(read.Diagnostic!.Errors.Select(error => error.ToString()));
        Assert.Empty(read.Diagnostic.Warnings.Select(warning => warning.ToString()));
        OpenApiDocument document = read.Document!;
        Assert.Equal(
            ["bufferMemory", "connectionsMax", "flushLatencyNsMax", "limit", "name", "reservation", "unflushedBytesMax", "weight"],
            document.Components!.Schemas!["GuestFields"].Properties!.Keys.Order(StringComparer.Ordinal));
        foreach (string word in (string[])["queue-drain", "io-uring", "flush-fua", "certificate-subject", "viewer"])
            Assert.Contains($"\"{word}\"", text, StringComparison.Ordinal);
        foreach ((string path, IOpenApiPathItem item) in document.Paths)
        {
            foreach ((HttpMethod method, OpenApiOperation operation) in item.Operations!)
            {
                string where = $"{method} {path}";
                Assert.False(string.IsNullOrEmpty(operation.OperationId), where);
                Assert.False(string.IsNullOrEmpty(operation.Summary), where);
                Assert.True(method != HttpMethod.Put || operation.RequestBody is not null, where);
                Assert.Equal(
                    Parameter().Matches(path).Select(match => match.Groups[1].Value),
                    (operation.Parameters ?? []).Where(parameter => parameter.In == ParameterLocation.Path).Select(parameter => parameter.Name!));
                Assert.Contains("401", operation.Responses!.Keys);
            }
        }
    }

    [Theory]
    [InlineData("/volumes/{name}", "get put delete")]
    [InlineData("/guests/{name}", "get put delete")]
    [InlineData("/disks/{name}", "get put delete")]
    [InlineData("/identities/{name}", "get put delete")]
    [InlineData("/tokens/{name}", "get put delete")]
    public async Task It_says_which_changes_can_be_held_to_a_revision(string route, string methods)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        JsonObject path = (await host.Send("GET", "/openapi.json")).Ok()["paths"]!["/api/v1" + route]!.AsObject();
        Assert.Equal(methods.Split(' ').Order(), path.Select(method => method.Key).Order());
        foreach ((string method, JsonNode? operation) in path)
        {
            IEnumerable<string> headers = operation!["parameters"]!.AsArray().Where(parameter => (string)parameter!["in"]! == "header").Select(parameter => (string)parameter!["name"]!);
            Assert.Equal(method == "get" ? [] : ["If-Match", "If-None-Match"], headers);
        }
    }

    [Fact]
    public async Task Every_route_in_it_does_its_work()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        JsonNode document = (await host.Send("GET", "/openapi.json")).Ok();
        host.Figures.AllRings = [new RingFigures(3, "v", "d", "g", "127.0.0.1:5", false, 16, 0), new RingFigures(4, "v", "d", "g", "uid 0", false, 16, 1)];

        // In an order in which each finds what it needs.
        (string Method, string Route, string Path, string? Body, int Status, string Shows)[] walk =
        [
            ("PUT", "/volumes/{name}", "/volumes/w", """{"path":"/srv/w.img","size":8192,"systemId":""}""", 201, "\"cache\":\"direct\""),
            ("GET", "/volumes", "/volumes", null, 200, "\"next\":null"),
            ("GET", "/volumes/{name}", "/volumes/v", null, 200, "\"state\":{\"name\":\"v\",\"policy\":\"fair\""),
            ("PUT", "/guests/{name}", "/guests/h", "{}", 201, "\"weight\":100"),
            ("GET", "/guests", "/guests", null, 200, "\"name\":\"h\""),
            ("GET", "/guests/{name}", "/guests/g", null, 200, "\"flushRequests\":0,\"share\":null,\"latencySeconds\":null}"),
            ("PUT", "/disks/{name}", "/disks/e", """{"volume":"w","guest":"h","size":4096}""", 201, "\"offset\":0,\"size\":4096"),
            ("GET", "/disks", "/disks", null, 200, "\"name\":\"e\""),
            ("GET", "/disks/{name}", "/disks/d", null, 200, "\"state\":{\"rings\":0,\"size\":4194304}"),
            ("POST", "/disks/{name}/detach", "/disks/e/detach", null, 200, "{\"closed\":0}"),
            ("PUT", "/identities/{name}", "/identities/i", """{"type":"unix-uid","value":"7","guest":"h"}""", 201, "\"type\":\"unix-uid\""),
            ("GET", "/identities", "/identities", null, 200, "\"name\":\"i\""),
            ("GET", "/identities/{name}", "/identities/i", null, 200, "\"value\":\"7\""),
            ("DELETE", "/identities/{name}", "/identities/i", null, 204, ""),
            ("DELETE", "/disks/{name}", "/disks/e", null, 204, ""),
            ("DELETE", "/guests/{name}", "/guests/h", null, 204, ""),
            ("DELETE", "/volumes/{name}", "/volumes/w", null, 204, ""),
            ("GET", "/rings", "/rings?limit=1", null, 200, "\"next\":\"3\""),
            ("GET", "/rings", "/rings?after=3", null, 200, "\"peer\":\"uid 0\""),
            ("DELETE", "/rings/{id}", "/rings/4", null, 204, ""),
            ("GET", "/history", "/history?limit=1", null, 200, "\"change\":\"deleted\""),
            ("GET", "/stats", "/stats", null, 200, "\"requests\":{\"read\":0,"),
            ("POST", "/rescan", "/rescan", null, 200, "{\"refused\":[]}"),
            ("GET", "/faults", "/faults", null, 200, "{\"faults\":[]}"),
            ("DELETE", "/faults/{volume}/{domain}", "/faults/v/0", null, 404, "volume v has no fault in domain 0"),
            ("GET", "/faults/{volume}/history", "/faults/v/history?limit=5", null, 200, "{\"items\":[],\"next\":null}"),
            ("GET", "/whoami", "/whoami", null, 200, "\"role\":\"operator\""),
            ("GET", "/openapi.json", "/openapi.json", null, 200, "\"openapi\": \"3.1"),
            ("PUT", "/tokens/{name}", "/tokens/t", """{"role":"viewer"}""", 201, "\"token\":\""),
        ];
        foreach ((string method, string route, string path, string? body, int status, string shows) in walk)
        {
            ApiAnswer answer = await host.Send(method, path, body);
            Assert.True(answer.Status == status && answer.Text.Contains(shows, StringComparison.Ordinal), $"{method} {path}: {answer.Status} {answer.Text}");
            JsonNode? declared = document["paths"]!["/api/v1" + route]![method.ToLowerInvariant()]!["responses"]![$"{answer.Status}"]!["headers"]?["ETag"];
            Assert.True(declared is not null == answer.Tag is not null, $"{method} {path}: {answer.Status} has the tag {answer.Tag}, the document {declared?.ToJsonString()}");
            Assert.Matches("^" + Parameter().Replace(route, "[^/]+").Replace(".", "\\.") + "$", path.Split('?')[0]);
        }

        // The token has closed the address; only the journal's writer gets at the rest.
        (string Method, string Route)[] closed = [("GET", "/tokens"), ("GET", "/tokens/{name}"), ("DELETE", "/tokens/{name}")];
        foreach ((string method, string route) in closed)
            _ = (await host.Send(method, route.Replace("{name}", "t"))).Problem(401);

        JsonObject paths = document["paths"]!.AsObject();
        Assert.Equal(
            walk.Select(step => $"{step.Method} {step.Route}").Concat(closed.Select(step => $"{step.Method} {step.Route}")).Distinct().Order(StringComparer.Ordinal),
            paths.SelectMany(path => path.Value!.AsObject().Select(method => $"{method.Key.ToUpperInvariant()} {path.Key["/api/v1".Length..]}")).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"\{([a-z]+)\}")]
    private static partial Regex Parameter();
}
