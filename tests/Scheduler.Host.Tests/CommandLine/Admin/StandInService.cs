using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Scheduler.Host.Tests.CommandLine.Admin;

/// <summary>An admin API for tests of its clients: it keeps what it is given, and answers on loopback.</summary>
internal sealed class StandInService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<string> _requests = new();

    private StandInService(WebApplication app) => _app = app;

    /// <summary>What it holds: by route and name, with the revision in it.</summary>
    public Dictionary<string, SortedDictionary<string, JsonObject>> Entities { get; } = new()
    {
        ["volumes"] = [],
        ["disks"] = [],
        ["guests"] = [],
        ["identities"] = [],
        ["tokens"] = [],
        ["rings"] = [],
    };

    /// <summary>Changes, the newest first.</summary>
    public List<JsonObject> History { get; } = [];

    /// <summary>What it answers in place of a list, if anything.</summary>
    public string? ListAnswer { get; set; }

    /// <summary>What <c>/stats</c> answers.</summary>
    public Func<string> Stats { get; set; } = () => "{}";

    /// <summary>What <c>/rescan</c> answers.</summary>
    public string Rescan { get; set; } = """{"refused":[]}""";

    /// <summary>The token that it wants, if any.</summary>
    public string? Token { get; set; }

    /// <summary>Most items in one answer.</summary>
    public int PageMax { get; set; } = 1000;

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>Method, path, query, conditions and body of what it was asked.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    public static async Task<StandInService> StartAsync(Action<KestrelServerOptions>? listen = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => (listen ?? (kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0)))(options));
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        StandInService service = new(builder.Build());
        service.Map();
        await service._app.StartAsync();
        return service;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);

    private void Map()
    {
        _app.Use(async (context, next) =>
        {
            context.Request.EnableBuffering();
            using StreamReader reader = new(context.Request.Body, leaveOpen: true);
            string body = await reader.ReadToEndAsync();
            context.Request.Body.Position = 0;
            IHeaderDictionary headers = context.Request.Headers;
            _requests.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {headers.IfMatch}{headers.IfNoneMatch} {body}".TrimEnd());
            if (Token is null || headers.Authorization == $"Bearer {Token}")
                await next(context);
            else
                await Problem(401, "a token is needed; give one in SCHEDULER_TOKEN").ExecuteAsync(context);
        });
        foreach (string kind in Entities.Keys)
        {
            _app.MapGet($"/api/v1/{kind}", (int? limit, string? after) => ListAnswer is { } answer
                ? Results.Text(answer, "application/json")
                : Page(Entities[kind].Values, limit, after));
            _app.MapGet($"/api/v1/{kind}/{{name}}", (string name) => Get(kind, name));
            _app.MapPut($"/api/v1/{kind}/{{name}}", (string name, HttpRequest request) => PutAsync(kind, name, request));
            _app.MapDelete($"/api/v1/{kind}/{{name}}", (string name, HttpRequest request) => Delete(kind, name, request));
        }

        _app.MapPost("/api/v1/disks/{name}/detach", (string name) =>
            Entities["disks"].ContainsKey(name) ? Results.Text("""{"closed":3}""", "application/json") : Problem(404, $"there is no disk {name}"));
        _app.MapGet("/api/v1/history", (int? limit, long? to) => HistoryPage(limit, to));
        _app.MapPost("/api/v1/rescan", () => Results.Text(Rescan, "application/json"));
        _app.MapGet("/api/v1/stats", () => Results.Text(Stats(), "application/json"));
    }

    private IResult Page(IEnumerable<JsonObject> all, int? limit, string? after)
    {
        JsonObject[] rest = [.. all.Where(item => after is null || string.CompareOrdinal((string)item["name"]!, after) > 0)];
        JsonObject[] page = [.. rest.Take(Math.Min(limit ?? 100, PageMax)).Select(item => (JsonObject)item.DeepClone())];
        JsonNode? next = page.Length < rest.Length ? page[^1]["name"]!.DeepClone() : null;
        return Json(new JsonObject { ["items"] = new JsonArray([.. page]), ["next"] = next });
    }

    private IResult HistoryPage(int? limit, long? to)
    {
        JsonObject[] rest = [.. History.Where(item => to is null || (long)item["number"]! <= to)];
        JsonObject[] page = [.. rest.Take(Math.Min(limit ?? 100, PageMax)).Select(item => (JsonObject)item.DeepClone())];
        JsonNode? next = page.Length < rest.Length ? rest[page.Length]["number"]!.DeepClone() : null;
        return Json(new JsonObject { ["items"] = new JsonArray([.. page]), ["next"] = next });
    }

    private IResult Get(string kind, string name) =>
        Entities[kind].TryGetValue(name, out JsonObject? entity) ? Json(entity) : Problem(404, $"there is no {name} in {kind}");

    private async Task<IResult> PutAsync(string kind, string name, HttpRequest request)
    {
        JsonObject body = (await JsonNode.ParseAsync(request.Body))!.AsObject();
        JsonObject? there = Entities[kind].GetValueOrDefault(name);
        if (Refusal(there, name, request) is { } refusal)
            return refusal;
        JsonObject entity = there is null ? new JsonObject { ["name"] = name, ["revision"] = 0, ["declared"] = false } : (JsonObject)there.DeepClone();
        foreach ((string field, JsonNode? value) in body)
            entity[field] = value?.DeepClone();
        entity["revision"] = (int)entity["revision"]! + 1;
        Entities[kind][name] = entity;
        JsonObject answer = (JsonObject)entity.DeepClone();
        if (kind == "tokens" && there is null)
            answer["token"] = "s3cret";
        return Json(answer, there is null ? 201 : 200);
    }

    private IResult Delete(string kind, string name, HttpRequest request)
    {
        JsonObject? there = Entities[kind].GetValueOrDefault(name);
        if (there is null)
            return Problem(404, $"there is no {name} in {kind}");
        if (Refusal(there, name, request) is { } refusal)
            return refusal;
        Entities[kind].Remove(name);
        return Results.NoContent();
    }

    private static IResult? Refusal(JsonObject? there, string name, HttpRequest request)
    {
        if (request.Headers.IfNoneMatch == "*" && there is not null)
            return Problem(412, $"{name} is there already");
        string tag = string.Create(CultureInfo.InvariantCulture, $"\"{(int?)there?["revision"]}\"");
        return request.Headers.IfMatch.Count > 0 && request.Headers.IfMatch != tag ? Problem(412, $"{name} has revision {tag}") : null;
    }

    private static IResult Json(JsonNode node, int status = 200) => Results.Text(node.ToJsonString(), "application/json", statusCode: status);
}
