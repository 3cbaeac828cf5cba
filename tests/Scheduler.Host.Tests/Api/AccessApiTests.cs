using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Actors;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Tests.Running;

namespace Scheduler.Host.Tests.Api;

/// <summary>Who may ask the admin address for what.</summary>
public sealed class AccessApiTests
{
    [Fact]
    public async Task The_first_token_closes_the_address_and_the_last_one_opens_it_again()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Assert.Contains(host.Log.Lines, line => line.StartsWith("There is no token", StringComparison.Ordinal));
        Assert.Equal("""{"name":"local","role":"operator"}""", (await host.Send("GET", "/whoami")).Text);
        string secret = await Make(host.Http, "root", "operator");
        Assert.Contains(host.Log.Lines, line => line.StartsWith("The first token, root, was made", StringComparison.Ordinal));

        ApiAnswer closed = await host.Send("GET", "/guests");
        Assert.Contains("a token is needed", closed.Problem(401));
        Assert.Equal("Bearer realm=\"scheduler\"", closed.Authenticate);
        _ = (await host.Send("GET", "/openapi.json")).Problem(401);
        _ = (await host.Send("GET", "/nothing")).Problem(401);
        Assert.Equal(200, (await ApiAnswer.Of(host.Http, new HttpRequestMessage(HttpMethod.Get, "/metrics"))).Status);

        using HttpClient root = host.Client(secret);
        Assert.Equal("""{"name":"token root","role":"operator"}""", (await ApiHost.Send(root, "GET", "/whoami")).Text);
        Assert.Equal(204, (await ApiHost.Send(root, "DELETE", "/tokens/root")).Status);
        Assert.Contains(host.Log.Lines, line => line.StartsWith("The last token was deleted", StringComparison.Ordinal));
        _ = (await ApiHost.Send(root, "GET", "/whoami")).Problem(401);
        _ = (await host.Send("GET", "/whoami")).Ok();
    }

    [Theory]
    [InlineData("local")]
    [InlineData("uid")]
    [InlineData("address")]
    public async Task A_token_can_not_be_called_as_somebody_else_is(string name)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        _ = await host.Send("PUT", "/guests/a");
        using HttpClient other = host.Client(await Make(host.Http, name, "operator"));
        _ = (await ApiHost.Send(other, "PUT", "/guests/b", "{}")).Ok(201);
        _ = (await ApiHost.Send(other, "POST", "/rescan")).Ok();
        JsonNode history = (await ApiHost.Send(other, "GET", "/history")).Ok();
        Assert.Equal([$"token {name}", "local"], history["items"]!.AsArray().Select(item => (string)item!["by"]!));
        Assert.Contains(host.Log.Lines, line => line.EndsWith($", by token {name}", StringComparison.Ordinal));
        Assert.Contains(host.Log.Lines, line => line.StartsWith("Volume groups are read anew", StringComparison.Ordinal) && line.EndsWith($"for token {name}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_secret_is_shown_once_and_kept_nowhere()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        string secret = await Make(host.Http, "root", "operator");
        Assert.Equal(43, secret.Length);
        CatalogToken kept = host.Catalog.State.Find<CatalogToken>("root")!;
        Assert.Equal(TokenSecret.HashOf(secret), kept.Hash);

        using HttpClient root = host.Client(secret);
        ApiAnswer again = await ApiHost.Send(root, "PUT", "/tokens/root", """{"role":"operator"}""");
        Assert.Equal(200, again.Status);
        Assert.Null((string?)again.Json["token"]);
        Assert.Equal("token root has another role already, which does not change; delete it and make another", (await ApiHost.Send(root, "PUT", "/tokens/root", """{"role":"viewer"}""")).Problem(409));
        string[] texts =
        [
            again.Text, (await ApiHost.Send(root, "GET", "/tokens")).Text, (await ApiHost.Send(root, "GET", "/tokens/root")).Text,
            (await ApiHost.Send(root, "GET", "/history")).Text, .. host.Log.Lines,
        ];
        Assert.All(texts, text => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        Assert.All(texts, text => Assert.DoesNotContain(kept.Hash, text, StringComparison.Ordinal));
        using HttpRequestMessage other = new(HttpMethod.Put, "/api/v1/tokens/other") { Content = new StringContent("""{"role":"viewer"}""", null, "application/json") };
        using HttpResponseMessage made = await root.SendAsync(other);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        Assert.True(made.Headers.CacheControl!.NoStore);
        Assert.DoesNotContain(secret, await made.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_looks()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        string operatorSecret = await Make(host.Http, "op", "operator");
        using HttpClient op = host.Client(operatorSecret);
        using HttpClient viewer = host.Client(await Make(op, "eye", "viewer"));
        foreach (string path in (string[])["/guests", "/guests/g", "/stats", "/history", "/faults", "/tokens"])
            _ = (await ApiHost.Send(viewer, "GET", path)).Ok();
        foreach ((string method, string path) in ((string, string)[])[("PUT", "/guests/a"), ("DELETE", "/guests/g"), ("POST", "/rescan"), ("POST", "/disks/d/detach"), ("DELETE", "/faults/v/0"), ("PUT", "/tokens/x")])
            Assert.Equal($"token eye is a viewer's; {method} needs an operator's", (await ApiHost.Send(viewer, method, path, "{}")).Problem(403));
        JsonNode last = (await ApiHost.Send(op, "PUT", "/guests/a", "{}")).Ok(201);
        Assert.Equal("token op", (string)(await ApiHost.Send(op, "GET", "/history")).Json["items"]![0]!["by"]!);
        Assert.Equal("a", (string)last["name"]!);
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer x")]
    [InlineData("Basic cm9vdDpyb290")]
    [InlineData("Bearer x y")]
    [InlineData("")]
    public async Task Another_token_is_refused_also_while_there_is_none(string authorization)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        _ = (await host.Send("GET", "/guests", null, ("Authorization", authorization))).Problem(401);
        _ = await Make(host.Http, "root", "operator");
        _ = (await host.Send("GET", "/guests", null, ("Authorization", authorization))).Problem(401);
        Assert.DoesNotContain(host.Log.Lines, line => line.Contains("cm9vdDpyb290", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("unix:DIR/admin.sock")]
    [InlineData("unix:RELATIVE/admin.sock")]
    public async Task Over_a_Unix_socket_the_own_user_needs_no_token(string address)
    {
        await using ApiHost host = await ApiHost.StartAsync(address);
        Assert.Matches("^curl --unix-socket '.*/admin.sock' http://localhost/metrics$", ServiceRunner.MetricsCommand(host.Settings.AdminListen, host.Url));
        string name = $"uid {UnixPeer.OwnUser}";
        Assert.Equal(name, (string)(await host.Send("GET", "/whoami")).Json["name"]!);
        _ = await Make(host.Http, "root", "operator");
        _ = (await host.Send("PUT", "/guests/a", "{}")).Ok(201);
        Assert.Equal(name, (string)(await host.Send("GET", "/history")).Json["items"]![0]!["by"]!);
    }

    [Fact]
    public async Task A_page_of_another_origin_changes_nothing()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Assert.Equal("a page of 'http://evil.example' may not change anything here", (await host.Send("POST", "/rescan", null, ("Origin", "http://evil.example"))).Problem(403));
        _ = (await host.Send("POST", "/rescan", null, ("Origin", "null"))).Problem(403);
        _ = (await host.Send("POST", "/rescan", null, ("Origin", host.Url))).Ok();
        _ = (await host.Send("GET", "/guests", null, ("Host", "evil.example"))).Problem(421);
    }

    [Fact]
    public void Refusals_are_told_once_in_ten_seconds()
    {
        RecordedLog log = new();
        Clock clock = new();
        RefusalLog refusals = new(log, clock);
        for (int i = 0; i < 1000; i++)
            refusals.Add("10.0.0.1");
        clock.Now += 10_000;
        refusals.Add("10.0.0.2");
        Assert.Equal(
            [
                "Warning: A request to the admin address without a valid token was refused, from 10.0.0.1; since the last such line 0 others",
                "Warning: A request to the admin address without a valid token was refused, from 10.0.0.2; since the last such line 999 others",
            ],
            log.Lines);
    }

    [Theory]
    [InlineData("10.0.0.9", false, "/api/v1/guests", 401)]
    [InlineData("10.0.0.9", false, "/metrics", 401)]
    [InlineData("10.0.0.9", false, "/readyz", 401)]
    [InlineData("10.0.0.9", false, "/healthz", 200)]
    [InlineData("10.0.0.9", true, "/api/v1/guests", 200)]
    [InlineData("10.0.0.9", true, "/metrics", 200)]
    [InlineData("127.0.0.1", false, "/api/v1/guests", 200)]
    [InlineData("10.0.0.1", false, "/api/v1/guests", 200)]
    [InlineData("::1", false, "/metrics", 200)]
    public async Task Without_a_token_other_machines_get_health_alone_unless_it_is_insecure(string remote, bool insecure, string path, int status)
    {
        await using ApiHost host = await ApiHost.StartAsync("http://127.0.0.1:0", insecure ? ["insecure=true"] : []);
        Assert.Equal(status, await Ask(host, remote, path, null));

        // With a token it is the same from everywhere.
        string secret = await Make(host.Http, "root", "operator");
        Assert.Equal(200, await Ask(host, remote, path, secret));
        if (path.StartsWith("/api", StringComparison.Ordinal))
            Assert.Equal(401, await Ask(host, remote, path, null));
    }

    [Fact]
    public async Task Over_TLS_any_name_will_do()
    {
        string directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
        try
        {
            using RSA key = RSA.Create(2048);
            CertificateRequest request = new("CN=storage1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            await File.WriteAllTextAsync(Path.Combine(directory, "s.pem"), certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(Path.Combine(directory, "k.pem"), key.ExportPkcs8PrivateKeyPem());
            await using ApiHost host = await ApiHost.StartAsync("https://127.0.0.1:0", $"admin.tls={{ certificate = \"{directory}/s.pem\", key = \"{directory}/k.pem\" }}");
            Assert.StartsWith("https://127.0.0.1:", host.Url, StringComparison.Ordinal);
            using SocketsHttpHandler handler = new() { UseProxy = false };
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == certificate.Thumbprint;
            using HttpClient http = new(handler) { BaseAddress = new Uri(host.Url) };
            _ = (await ApiHost.Send(http, "GET", "/whoami", null, ("Host", "storage1"))).Ok();
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<int> Ask(ApiHost host, string remote, string path, string? secret)
    {
        AccessControl access = new(host.Settings, () => host.Catalog.State.All<CatalogToken>(), new RefusalLog(new RecordedLog(), TimeProvider.System));
        await using ServiceProvider services = new ServiceCollection().AddLogging().BuildServiceProvider();
        DefaultHttpContext context = new() { RequestServices = services };
        context.Request.Method = "GET";
        context.Request.Path = path;
        context.Request.Host = new HostString("10.0.0.1");
        context.Connection.RemoteIpAddress = IPAddress.Parse(remote);
        context.Connection.LocalIpAddress = IPAddress.Parse("10.0.0.1");
        if (secret is not null)
            context.Request.Headers.Authorization = $"Bearer {secret}";
        await access.InvokeAsync(context, _ => Task.CompletedTask);
        return context.Response.StatusCode;
    }

    private static async Task<string> Make(HttpClient http, string name, string role) =>
        (string)(await ApiHost.Send(http, "PUT", $"/tokens/{name}", $$"""{"role":"{{role}}"}""")).Ok(201)["token"]!;

    private sealed class Clock : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Now;
    }
}
