// The OpenAPI document: made from the routes themselves when it is first asked for.
using System.Net.Mime;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Scheduler.Host.Api;

/// <summary><c>GET /openapi.json</c>.</summary>
internal static class ApiDocument
{
    private const string Name = "v1";
    private const string Scheme = "bearer";

    /// <summary>Adds what <see cref="Map"/> needs.</summary>
    /// <param name="services">The server's services.</param>
    public static void AddServices(IServiceCollection services)
    {
        // As AdminJson has it: a number is no text.
        _ = services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, AdminJson.Default);
            json.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
        });
        _ = services.AddOpenApi(Name, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            _ = options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info = new OpenApiInfo
                {
                    Title = "Scheduler admin API",
                    Version = Name,
                    Description = "Volumes, disks, guests and who may use them, while the service runs. Errors are problem details (RFC 9457). "
                        + "A PUT leaves what its body does not name; If-Match and If-None-Match hold it to a revision, which is the ETag.",
                };
                document.Servers = [];
                document.Components ??= new OpenApiComponents();
                document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
                {
                    [Scheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = Scheme, Description = "A token's secret." },
                };
                document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, document)] = [] }];
                return Task.CompletedTask;
            });
        });
    }

    /// <summary>Adds the route.</summary>
    /// <param name="api">Where to.</param>
    public static void Map(IEndpointRouteBuilder api)
    {
        Lazy<Task<byte[]>> document = new(() => MakeAsync(api.ServiceProvider));
        _ = api.MapGet("/openapi.json", async () => Results.Bytes(await document.Value, MediaTypeNames.Application.Json))
            .Describe("getOpenApi", "This document").Produces(StatusCodes.Status200OK, contentType: MediaTypeNames.Application.Json);
    }

    private static async Task<byte[]> MakeAsync(IServiceProvider services)
    {
        using IServiceScope scope = services.CreateScope();
        IOpenApiDocumentProvider provider = scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name);
        OpenApiDocument document = await provider.GetOpenApiDocumentAsync();
        using MemoryStream bytes = new();
        await document.SerializeAsJsonAsync(bytes, OpenApiSpecVersion.OpenApi3_1);
        return bytes.ToArray();
    }
}
